// SPDX-License-Identifier: Apache-2.0
import { cycles } from './cycles.ts'

cycles('xen')
