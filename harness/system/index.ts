// SPDX-License-Identifier: Apache-2.0
export { makePipe, type Pipe, prepareEventfd } from './descriptors.ts'
export { errnoName } from './libc.ts'
export { receive, send, sendRecord } from './messages.ts'
export { Watch } from './poller.ts'
export { accept, listenAt, socketPair } from './sockets.ts'
