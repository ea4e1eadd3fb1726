// SPDX-License-Identifier: Apache-2.0
export { makePipe, type Pipe, prepareEventfd } from './descriptors.ts'
export { receive, send } from './messages.ts'
export { Watch } from './poller.ts'
export { accept, listenAt } from './sockets.ts'
