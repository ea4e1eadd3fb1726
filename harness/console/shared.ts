// SPDX-License-Identifier: Apache-2.0

/** A line with one of the marks of `xen-marks.ts`. */
const MARKED = /^\((?:XEN|d\d{1,5}(?:v\d{1,5})?)\) /m

/** Whether the wire that these bytes came on is one that Xen shares with domains. */
export const isShared = (bytes: Uint8Array): boolean =>
  MARKED.test(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'))
