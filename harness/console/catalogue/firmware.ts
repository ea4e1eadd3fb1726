// SPDX-License-Identifier: Apache-2.0
import { type FailureRow, linux } from './row.ts'

/** What runs under a kernel, or before it, and shares its UART: secure worlds and boot loaders. */
export const FIRMWARE: readonly FailureRow[] = [
  // _panic() and __debugger_assert_fail: lk's include/assert.h and top/debug.c; Linux passes them on (drivers/trusty/trusty-log.c of Android)
  linux({
    kind: 'trusty',
    word: 'ASSERT FAILED at ',
    start: /^(?:trusty: )?(?:panic \(|.*?0x[0-9a-f]+\)).*?ASSERT FAILED at \([^)]*\): (?<what>\S.*)/,
    titles: ['trusty: ASSERT FAILED: {what}'],
    frames: [],
  }),
  linux({
    kind: 'trusty',
    word: 'panic (caller ',
    start: /^(?:trusty: )?panic \(caller (?:0x)?[0-9a-f]+\): (?<what>\S.*)/,
    titles: ['trusty: panic: {what}'],
    frames: [],
  }),
  // __do_panic(): core/kernel/panic.c of OP-TEE
  linux({
    kind: 'op-tee',
    word: 'Panic ',
    start: /^E\/TC:\S* (?:\d+ )?Panic (?:'(?<what>.*)' )?at \S+?:\d+ <(?<fn>\w+)>/,
    titles: ['OP-TEE panic: {what}', 'OP-TEE panic in {frame}'],
    frames: ['header'],
  }),
  // report_unhandled_exception, el3_panic: bl31/aarch64/crash_reporting.S of Trusted Firmware-A
  linux({
    kind: 'trusted-firmware',
    word: 'in EL3',
    start: /^(?<what>PANIC|Unhandled (?:Interrupt )?Exception) in EL3\b/,
    titles: ['Trusted Firmware: {what} in EL3'],
    frames: [],
  }),
  // show_efi_loaded_images' callers, do_sync(): arch/arm/lib/interrupts_64.c of U-Boot
  linux({
    kind: 'u-boot',
    word: ' Abort" handler, esr 0x',
    start: /^"(?<what>[\w ]+ Abort)" handler, esr 0x[0-9a-f]+/,
    titles: ['U-Boot: {what}'],
    frames: [],
  }),
  // DefaultExceptionHandler(): ArmPkg/Library/DefaultExceptionHandlerLib, DebugAssert(): MdePkg of EDK2
  linux({
    kind: 'uefi',
    word: ' Exception at 0x',
    start: /^(?<what>Synchronous|IRQ|FIQ|SError) Exception at 0x[0-9a-fA-F]{16}$/,
    titles: ['UEFI: {what} exception'],
    frames: [],
  }),
  linux({
    kind: 'uefi',
    word: 'ASSERT [',
    start: /^ASSERT \[(?<module>\w+)\] \S+\(\d+\): (?<what>\S.*)/,
    titles: ['UEFI: ASSERT in {module}: {what}'],
    frames: [],
  }),
]
