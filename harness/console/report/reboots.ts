// SPDX-License-Identifier: Apache-2.0

/** The first words of a kernel: smp_setup_processor_id() in arch/arm64/kernel/setup.c, start_kernel() in init/main.c. */
const BANNER = /^\[ *0\.0+\](?:\[[^\]]*\])? (?:Booting Linux on physical CPU|Linux version \d)/
/** It said that it would: kernel/reboot.c, machine_restart(). */
const ANNOUNCED =
  /reboot: (?:Restarting system|machine restart|Power down)|Rebooting in \d+ seconds|sysrq: Resetting/

/** Any line that is not of the first moments. */
const RUNNING = /^\[ *(?!0\.0+\])\d+\.\d+\]/

/** Tells a kernel's first boot, and a reboot that was announced, from one that came without a word. */
export class Reboots {
  /** Something that explains a reboot was seen. */
  announced = false
  #running = false

  isReboot(line: string): boolean {
    if (line.charCodeAt(0) !== 0x5b) return false
    if ((line.includes('eboot') || line.includes('Resetting')) && ANNOUNCED.test(line)) this.announced = true
    if (!this.#running) {
      this.#running = RUNNING.test(line)
      return false
    }
    if (!BANNER.test(line)) return false
    const silent = !this.announced
    this.#running = false
    this.announced = false
    return silent
  }
}
