// SPDX-License-Identifier: Apache-2.0

/** The first words of a kernel: smp_setup_processor_id() in arch/arm64/kernel/setup.c, start_kernel() in init/main.c. */
const KERNEL = /^\[ *0\.0+\](?:\[[^\]]*\])? (?:Booting Linux on physical CPU|Linux version \d)/
/**
 * The first words of what runs before a kernel: SeaBIOS, U-Boot (and its SPL), EDK2, Trusted Firmware-A, and the kernel's own decompressor
 * (arch/x86/boot/compressed/misc.c, arch/arm/boot/compressed/misc.c).
 */
const FIRMWARE =
  /^(?:SeaBIOS \(version |U-Boot (?:SPL |TPL )?\d{4}\.\d\d|UEFI firmware \(version |NOTICE: {2}BL1: |Booting the kernel\.$)/
const FIRMWARE_INITIALS = new Set([...'SUNB'].map((initial) => initial.charCodeAt(0)))
/** It said that it would: kernel/reboot.c, machine_restart(); SysRq; the reboot command of U-Boot. */
const ANNOUNCED =
  /reboot: (?:Restarting system|machine restart|Power down)|Rebooting in \d+ seconds|sysrq: Resetting|^resetting \.\.\.$/

/** Any line that is not of the first moments. */
const RUNNING = /^\[ *(?!0\.0+\])\d+\.\d+\]/
/** What a host's tools, and a person at a terminal, leave in a log before the machine says anything. */
const FROM_HOST =
  /^(?:[$#+>] |\S*\$ |\S*qemu-system-|spawn |Script started|Trying |Connected to|Escape character|Terminal ready|\s*$)/
const [BRACKET, ZERO] = ['['.charCodeAt(0), '0'.charCodeAt(0)]

/** Whether a stamp's seconds end with 0, as those of a banner do: every line is asked, and this is cheap. */
const mayBeFirst = (line: string): boolean => line.charCodeAt(line.indexOf('.', 2) - 1) === ZERO

/** Tells a kernel's first boot, and a reboot that was announced, from one that came without a word. */
export class Reboots {
  /** Something that explains a reboot was seen. */
  announced = false
  /** Since the last banner, a machine was up; before the first one, whatever it printed counts. */
  #running = false
  #anyBanner = false

  isReboot(line: string): boolean {
    const stamped = line.charCodeAt(0) === BRACKET
    if (!stamped && this.#running && !FIRMWARE_INITIALS.has(line.charCodeAt(0))) return false
    if ((line.includes('eboot') || line.includes('esetting')) && ANNOUNCED.test(line)) this.announced = true
    if (stamped ? mayBeFirst(line) && KERNEL.test(line) : FIRMWARE.test(line)) {
      const silent = this.#running && !this.announced
      this.#running = false
      this.#anyBanner = true
      this.announced = false
      return silent
    }
    this.#running ||= stamped ? RUNNING.test(line) : !this.#anyBanner && !FROM_HOST.test(line)
    return false
  }
}
