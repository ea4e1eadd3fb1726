// SPDX-License-Identifier: Apache-2.0
/** Functions that stand in a trace and are never to blame, each group with its reason. */

interface Innocents {
  because: string
  /** They are blamed where nobody else is there. */
  lastResort?: boolean
  /** Whole names. */
  names: string
}

const NEVER_GUILTY: readonly Innocents[] = [
  {
    because: 'they print the report',
    names:
      '_*dump_(stack|backtrace)\\w*|show_(stack|trace|regs)\\w*|unwind_backtrace|sched_show_task|_sched_show_task|print_\\w+|\\w*_?printk\\w*|panic|__?warn\\w*|warn_slowpath_\\w+|report_bug|__schedule_bug|bug_handler|call_break_hook|brk_handler|do_trap_break|do_debug_exception|fixup_bug|oops_\\w+|die\\w*|spin_(dump|bug)|rwlock_bug|bad_page\\w*|lockdep_rcu_suspicious|__report_bug|handle_bug|object_err|slab_(bug|err)|check_memory_region|check_region_inline|do_report|report_\\w+|__?check_heap_object|end_report|start_report|nmi_(cpu_backtrace|trigger_\\w+)|arch_trigger_\\w+|trigger_(single|all)\\w*|vpanic|call_(bug|debug)_\\w+|kasan_\\w+|\\w*_?die_\\w+|aarch64_\\w+_(print|ld)\\w*|early_brk64|el1_brk64|el1_bp|el1_brk|reserve_ebp\\w*|rust_helper_BUG|check_panic_on_warn|fortify_panic|_*fortify_\\w+|panic_bad_stack|handle_bad_stack|__bad_stack|walk_stackframe|unwind\\w*|_*save_stack\\w*|arch_stack_walk\\w*|__sysrq\\w*|check_noncircular|traceback',
  },
  {
    because: 'they are the checkers that found it',
    names:
      '_*kasan\\w*|_*asan_\\w+|__hwasan_\\w+|_*kmsan\\w*|_*msan_\\w+|handle_overflow|_*kcsan\\w*|_*tsan_\\w+|_*kfence\\w*|_*ubsan_\\w+|__?sanitizer_cov\\w*|write_comp_data|_*kmemleak\\w*|stack_depot_\\w+|save_stack\\w*|set_track\\w*|kmalloc_slab|_*debug_object_\\w+|_*debug_check_no_obj_freed|debug_(print_object|smp_processor_id)|object_(is_on_stack|\\w*_debug)|refcount_\\w+|_*refcount_\\w+|check_preemption_disabled|debug_lockdep_\\w+|__this_cpu_preempt_check|_*might_(sleep|fault|resched)\\w*|_*cant_\\w+|lockdep_\\w+|rcu_read_lock_\\w*held\\w*|rcu_lock_\\w+|usercopy_(warn|abort)|_*check_object_size|__stack_chk_fail|tag_\\w+_fault|do_tag_\\w+|_*list_(add|del)_(valid|entry_valid)\\w*|_*list_(add|del)\\w*|list_(add|del|move)\\w*|hlist_\\w+|_*hlist_\\w+|llist_\\w+|origin_\\w+|metadata_\\w+|memory_is_\\w+|bytes_is_\\w+|KUNIT_\\w+|crc16|crc32\\w*|crc_\\w+',
  },
  {
    because: 'lockdep and the primitives of locks act for their caller',
    names:
      '_*lock_(acquire|release|is_held_type|is_held|acquired|contended|set_\\w+)\\w*|_*lock_acquire\\w*|_*lock_release\\w*|__lock_\\w+|check_(prev|prevs|noncircular|irq|usage|deadlock|wait|chain|dependency|prev_add|prevs_add|unlock|flags)\\w*|validate_chain|mark_(lock|held|usage|irqflags)\\w*|valid_state|register_lock_class|look_up_lock_class|find_lock_\\w+|add_lock_\\w+|debug_(spin|rwlock|mutex|rt_mutex|check_no_locks|show_all)\\w*|do_raw_\\w*(lock|trylock|unlock)\\w*|_*raw_(spin|read|write)_\\w+|queued_(spin|read|write)_\\w+|native_queued_\\w+|pv_(wait|kick|queued)\\w*|spin_(lock|unlock|trylock)\\w*|(read|write)_(lock|unlock|trylock|seq\\w*)\\w*|rtlock_\\w+|_*rwbase_\\w+|mutex_(spin|optimistic|can)\\w*|_*mutex_(lock|unlock|trylock|remove_waiter)\\w*|_*ww_mutex\\w*|_*down_(read|write|trylock|interruptible|killable|common|timeout)?\\w*|_*up_(read|write)\\w*|rwsem_\\w+|percpu_(down|up|rwsem)\\w*|_*percpu_(init_)?rwsem\\w*|rt_(mutex|spin|read|write)\\w*|_*rt_mutex\\w*|ww_\\w+lock|local_lock\\w*|_*local_bh_\\w+|lock_sock_nested|lock_sock|_*lock_sock\\w*|release_sock|bh_lock_sock\\w*|seqcount_lockdep\\w*|_*seqprop\\w*|trace_(hardirqs|softirqs)_\\w+|_*trace_hardirqs\\w*|irqentry_\\w+|sema?_\\w+|_*rcu_read_(un)?lock\\w*|reacquire_held_locks|_*do_\\w*lock_acquire\\w*|hlock_class|folio_(un)?lock\\w*|_*folio_lock\\w*|(un)?lock_page\\w*|_*lock_page\\w*|lockref_\\w+|__flush_work|__cancel_work\\w*|_*cancel_work\\w*|start_flush_work|touch_(wq|work)_lockdep\\w*|__need_fs_reclaim|_*atomic_dec_and_(raw_)?lock\\w*|osq_lock\\w*|instrument_\\w+|seqlock\\w*|\\w*_guard_(ctor|dtor)|class_\\w+_(con|de)structor',
  },
  {
    because: 'they wait for what somebody else does not do',
    names:
      '_*schedule(_(loop|timeout|preempt|rtlock|user|idle|hrtimeout|debug)\\w*)?|_*sched_(yield|submit\\w*|update\\w*)|context_switch|_*wait_(for_|on_|event|rcu|woken|current)\\w*|do_wait_for_common|wait_for_common|_*wait_on_\\w+|io_schedule\\w*|folio_wait_\\w+|freezable_schedule\\w*|wait_rcu_exp_gp|bit_wait\\w*|out_of_line_wait\\w*|msleep\\w*|usleep\\w*|_*preempt_schedule\\w*|preempt_(count|schedule)\\w*|_cond_resched|__cond_resched|__switch_to\\w*|synchronize_\\w+_wait|swake\\w*|prepare_to_(wait|swait)\\w*|hrtimer_nanosleep|do_nanosleep|schedule_hrtimeout\\w*|_*down|console_lock|ldsem_\\w+|kthread_stop\\w*|kthread_park|flush_(work|delayed_work)|_*synchronize_hardirq|might_\\w+|__might_\\w+|___might_sleep|_*__might_\\w+|_*autoremove_wake\\w*|finish_(wait|task_switch)\\w*',
  },
  {
    because: 'they copy, compare or count for their caller',
    names:
      '_*mem(cpy|move|set|cmp|chr|scan|chr_inv|dup_user|zero_explicit|cpy_\\w+)\\w*|_*arch_mem\\w+|_*str(n?cpy|scpy|l?cpy|n?cmp|n?casecmp|l?cat|len|nlen|chr|rchr|nchr|str|nstr|spn|cspn|sep|pbrk|dup|ndup)\\w*|kstr\\w+|_*copy_(from|to|in|user|page)_?(user|iter|mc|kernel\\w*|page\\w*)?\\w*|_copy_\\w+|raw_copy_\\w+|copy(in|out)|copy_(user|mc|page)_\\w+|clear_user_\\w+|rep_(movs|stos)_\\w+|__pi_\\w+|csum_\\w+|do_csum|ip_compute_csum|_*(get|put)_user\\w*|_*clear_user\\w*|__arch_(clear|copy)\\w*|_*probe_kernel\\w*|_*copy_from_kernel_nofault|\\w*_?check_copy_size|_*(atomic|atomic64|arch_atomic\\w*|raw_atomic\\w*|atomic_long)_\\w+|_*(test|set|clear|change)_(and_)?\\w*bit\\w*|_*test_bit\\w*|constant_test_bit|variable_test_bit|_*(READ|WRITE)_ONCE\\w*|_*read_once\\w*|_*write_once\\w*|find_(next|first|last|nth)\\w*_bit\\w*|_find_\\w+_bit|bitmap_\\w+|_*(hex_dump_to_buffer|print_hex_dump\\w*)|vsn?printf|snprintf|sn?printf|vscnprintf|scnprintf|kvasprintf\\w*|kasprintf|seq_(printf|puts|putc|write|vprintf)|string|string_nocheck|number|pointer|_*bswap\\w*|_*(get|put)_unaligned\\w*|ether_addr_\\w+|jhash\\w*|_*siphash\\w*|aes_(en|de)crypt\\w*|\\w*_(en|de)crypt_(one|block|blk)|crypto_aes_\\w+|aes\\w*_(en|de)crypt\\w*|hex_string|read_word_at_a_time|sized_strscpy|page_to_pfn|_*phys_addr\\w*|_*virt_(to_phys|addr)\\w*|fault_in_\\w+|iov_iter_\\w*fault\\w*',
  },
  {
    because: 'they hand memory out or take it back: its user is meant',
    names:
      '_*k[mz]?v?[mzc]?alloc\\w*|_*k[mzc]alloc\\w*|_*kv[mzc]alloc\\w*|_*kmem_cache_\\w*|_*kfree\\w*|_*kvfree\\w*|_*vfree\\w*|_*v[mz]alloc\\w*|get_partial\\w*|deactivate_slab|_*unfreeze_partials\\w*|put_cpu_partial|(get|set)_freepointer\\w*|setup_object\\w*|mempool_\\w+|slab_\\w+|___?slab_\\w+|___cache_free|_*cache_(free|alloc)\\w*|_*slab_\\w+|do_slab_free|free_(debug_processing|to_\\w+|block|pages\\w*|unref\\w*|pcp\\w*|one_page|large_\\w+|frozen\\w*|contig\\w*|hot_cold\\w*|reserved\\w*|unmap\\w*|the_page|nonslab_page|page_and_swap_cache|page_is_bad)|_*free_pages\\w*|_*free_\\w*page\\w*|_*alloc_(pages|page|frozen|contig|slab)\\w*|_*get_free_pages?\\w*|get_page_from_freelist|post_alloc_hook|prep_new_page|new_slab\\w*|allocate_slab|discard_slab|qlist_\\w+|qlink_\\w+|quarantine_\\w+|_*krealloc\\w*|_*devm_k\\w*alloc\\w*|_*rmqueue\\w*|kernel_init_free_pages|clear_highpage\\w*|_*cache_alloc\\w*|poison_\\w+|(un)?poison_slab\\w*|_*folio_(put|get)\\w*|__?folio_\\w*put\\w*|_*put_page\\w*|release_pages|kref_(put|get|sub)\\w*|_*kref_\\w+|kobject_(put|get|release|cleanup|del)|put_device|get_device|device_release|klist_(put|release|next)\\w*|__?free_hook\\w*|__?do_(kmalloc|krealloc)\\w*|_*ref_tracker\\w*|_*skb_(put|pull|push|clone|copy|over|under|panic)\\w*|_*pskb_\\w+|_*kfree_skb\\w*|sk_skb_reason\\w*|pagevec_\\w+|lru_\\w+|_*free_hook|memdup_user\\w*|vmemdup_\\w+|kmemdup\\w*|ida_(free|alloc\\w*|remove|destroy\\w*|get_new\\w*)|idr_\\w+|_*xa_\\w+|xas_\\w+|radix_tree_\\w+|_*radix_tree_\\w+',
  },
  {
    because: 'they are lists, trees, queues and timers of their user',
    names:
      'interval_tree_\\w+|mas_\\w+|mtree_\\w+|_*mt_\\w+|timer_shutdown\\w*|_*timer_shutdown\\w*|try_to_grab_pending|hrtimer_(active|cancel|try_to_cancel)|rb_(insert|erase|next|prev|first|last|rotate|add|replace)\\w*|_*rb_\\w+|rhashtable_\\w+|_*rht\\w*|rht_\\w+|_*rhashtable_\\w+|assoc_array_\\w+|timer_is_static\\w*|work_is_static\\w*|_*mod_timer\\w*|_*del_timer\\w*|_*timer_delete\\w*|try_to_del_timer\\w*|lock_timer_base|_*try_to_del_timer\\w*|_*queue_(delayed_)?work\\w*|_*queue_work\\w*|insert_work|_*wake_up\\w*|_*complete(_all|_with_flags)?|try_to_wake_up|default_wake_function|skb_(queue|dequeue|unlink)\\w*|_*skb_(queue|dequeue|unlink)\\w*|static_(key|obj)\\w*|_*static_\\w+|jump_label_\\w+|_*jump_label\\w*|detach_(timer|if_pending)\\w*|internal_add_timer|_*internal_add_timer|timer_fixup\\w*|_*debug_timer\\w*|is_dynamic_key|cleanup_srcu_struct\\w*|_*srcu_\\w+|_*call_rcu\\w*|_*call_srcu\\w*|_*init_work|_*init_timer\\w*|init_timer_key\\w*|\\w+_valid_or_report|dql_\\w+|percpu_(ref|counter)_\\w+|_*percpu_\\w+',
  },
  {
    because: 'they are the core of a subsystem, which does what a driver asked for',
    names:
      'crypto_\\w+|cipher_crypt_\\w+|skcipher_\\w+|\\w*shash_\\w+|_?dev_(info|err|warn|notice|emerg|crit|alert|printk\\w*|vprintk_emit)|va_format|_*kobject_\\w+|kobj_\\w+|_*sysfs_\\w+|dpm_sysfs_\\w+|_*device_(add|del|create|destroy|register|unregister|remove|initialize)\\w*|_*devm_\\w+|i2c_del_adapter|_*usb_(submit|kill|unlink|poison|start_wait|bulk|control|interrupt|internal|hcd)_\\w+|unregister_netdev\\w*|rollback_registered\\w*|(drain|destroy)_workqueue|__cancel_\\w+|sk_(stop|reset)_timer\\w*|kill_fasync\\w*|_*bitmap_\\w+|(fast_)?dput\\w*|_*dentry_kill|iput\\w*|seq_\\w+|should_fail\\w*|fail_dump|blk_\\w*lock\\w*|_*x86_indirect_thunk_\\w+|_*x86_(return|indirect)\\w*|_*static_call\\w*|debugfs_remove\\w*|kthread_insert_work\\w*|ref_tracker_\\w+',
  },
  {
    because: 'they are the way into the kernel',
    lastResort: true,
    names:
      'do_syscall_\\w+|do_fast_syscall_\\w+|process_one_work|process_scheduled_works|worker_thread|kthread|call_timer_fn|invoke_syscall|x64_sys_call|_*do_page_fault|do_(user_addr|kern_addr|kernel|translation|alignment|bad_area|mem_abort|sp_pc_abort|bad|undefinstr|DataAbort|PrefetchAbort|async_page|trap|error_trap|invalid_op|general_protection|int3|divide_error|sea|serror|cp_fault|dab|stack_segment|double_fault|un|overflow|device_not_available)\\w*|_*(page|async_page|double|invalid|general|divide|stack_segment|coprocessor)_(fault|op|protection|error|segment|page_fault)\\w*|exc_\\w+|page_fault_oops|program_check_\\w+|(data|instruction)_access_\\w+|interrupt_return\\w*|(__do_)?pgm_check\\w*|_new_vmalloc_restore\\w*|asm_\\w+|_*bad_area\\w*|no_context|mm_fault_error|kernelmode_fixup\\w*|_*do_kernel_fault|spurious_\\w+|fixup_exception|el[01]h?t?_?\\w*|el1h?_\\w+|__?(dabt|pabt|und|irq|fiq)_(svc|usr|invalid)\\w*|_*irq_svc|ret_from_\\w+|ret_(fast|slow|to_user)\\w*|vector_\\w+|handle_(exception|mm_fault|pte_fault|page_fault|trap)\\w*|common_(interrupt|exception)\\w*|entry_\\w+|error_entry|paranoid_\\w+|restore_\\w+|_*entry_text\\w*|stub_\\w+|tracesys\\w*|system_call\\w*|invoke_syscall|el0_svc\\w*|do_el0_svc\\w*|call_(on|with)_\\w*stack|bad_mode|sp_?el\\w+|__?entry_trampoline\\w*|interrupt_entry|nmi(_\\w+)?|default_do_nmi|do_nmi|repeat_nmi|end_repeat_nmi|_*do_kernel_\\w*|arm64_(notify|force|skip|serror)\\w*',
  },
  {
    because: 'a timer or another processor came in while something else ran',
    names:
      '\\w*apic_timer_interrupt|sysvec_\\w+|_*sysvec_\\w+|hrtimer_interrupt|_*hrtimer_(run|forward|start)\\w*|hrtimer_start\\w*|local_apic_timer\\w*|smp_\\w*(interrupt|local_timer)\\w*|tick_(sched|handle|periodic|nohz|do|irq)\\w*|tick_\\w+|update_process_times|_*update_process_times|rcu_(gp|check|sched_clock|pending|dump|stall|print|implicit|preempt_deferred|note|eqs|irq|nmi|dynticks|is|all|core|exp|cpu|flavor|momentary|report)\\w*|check_cpu_stall|print_(cpu|other)\\w*stall|_*rcu_\\w*pending|scheduler_tick|sched_tick|task_tick_\\w+|watchdog_timer_fn|watchdog_\\w+|perf_(event_task_tick|event_nmi)\\w*|arch_timer_\\w+|handle_(percpu|irq|level|edge|fasteoi|domain|simple)\\w*|generic_handle_\\w+|_*handle_(domain_)?irq\\w*|handle_(irq|domain)\\w*|gic_\\w+|_*gic_\\w+|do_interrupt_handler|interrupt_handler|irq_(exit|enter)\\w*|_*irq_exit\\w*|do_IRQ|_*do_IRQ|timer_interrupt|_*timer_interrupt\\w*|profile_tick|account_\\w+|run_(local_timers|posix_cpu_timers)|invoke_softirq|exiting_irq|reschedule_\\w+|_*irq_work_\\w+|flush_smp_call\\w*|generic_smp_call\\w*|_*sysrq_(timer)\\w*|lapic_\\w+',
  },
]

const anyOf = (groups: readonly Innocents[]) =>
  new RegExp(`^(?:${groups.map(({ names }) => names).join('|')})$`)
const INNOCENT = anyOf(NEVER_GUILTY)
const INNOCENT_ALONE = anyOf(NEVER_GUILTY.filter(({ lastResort }) => !lastResort))

/** `lastResort`: the trace has nobody else to blame. */
export const isInnocent = (fn: string, lastResort: boolean): boolean =>
  (lastResort ? INNOCENT_ALONE : INNOCENT).test(fn)

/**
 * What calls work that is none of its own: system calls, the ways of the VFS and the network into a driver, work queues, timers. Time that is
 * lost below them is blamed on what they called.
 */
const DISPATCHER = new RegExp(
  `^(?:${[
    'do_syscall_\\w+|do_fast_syscall_\\w+|do_int80\\w*|_*do_fast_syscall\\w*|entry_(SYSCALL|INT80)\\w*|el0_svc\\w*|invoke_syscall|_*invoke_syscall|do_el0_svc\\w*|sysenter_\\w+|tracesys\\w*|ret_(fast|to|from)_\\w+|system_call\\w*|x64_sys_call|ia32_sys_call|handle_syscall\\w*|syscall_\\w*',
    '(__)?vfs_(?!kern)(read|write|iter|ioctl|open|fsync|writev|readv|statfs|splice)\\w*|\\w*compat_ioctl|_*(?:(?:x64|ia32|arm64|riscv|se|do)_*)?(?:compat_)?(?:sys|SyS|SYSC|ksys)_(?:ioctl|connect|socketpair)|new_sync_(read|write)|do_iter_\\w+|do_(vfs_)?ioctl|ksys_(read|write|ioctl|pread64|pwrite64)|call_(read|write)_iter|do_loop_readv_writev|do_readv\\w*|do_writev\\w*|__fput|____fput|task_work_run|do_dentry_open|__do_fault|do_(shared|read|cow)_fault|do_fault|mmap_region|__mmap_region|call_mmap|do_sendfile|splice_\\w+|do_splice\\w*|direct_splice_actor|kernfs_(seq|fop_write)\\w*|seq_read\\w*|sock_sendmsg\\w*|_*sock_(sendmsg|recvmsg|setsockopt|ioctl)\\w*|sock_(write|read)_iter|sock_do_ioctl|__sys_(?:setsockopt|listen|accept\\w*|connect|socketpair)|netlink_(rcv_skb|unicast\\w*|dump|sendmsg)|sock_common_(set|get)sockopt|nfnetlink_rcv\\w*|xfrm_user_rcv_msg|genl_(rcv\\w*|family_rcv\\w*)|rtnetlink_rcv\\w*',
    '_*netif_receive_skb\\w*|process_backlog|_*napi_poll|net_rx_action|do_softirq\\w*|_*do_softirq\\w*|handle_softirqs|run_ksoftirqd|__local_bh_enable_ip|tasklet_action\\w*|deliver_\\w*skb\\w*',
    'call_timer_fn|_*run_timers\\w*|run_timer_\\w+|expire_timers|hrtimer_run_softirq',
    'process_one_work|process_scheduled_works|worker_thread|kthread|smpboot_thread_fn|kthread_worker_fn|rcu_(do_batch|core|cpu_kthread)\\w*',
    'cpu_startup_entry|do_idle|start_secondary|start_kernel|rest_init|_*do_initcall\\w*|do_one_initcall|secondary_start_kernel',
  ].join('|')})$`,
)

export const isDispatcher = (fn: string): boolean => DISPATCHER.test(fn)

const INTERRUPT =
  /^(?:hrtimer_interrupt|\w*apic_timer_interrupt|sysvec_\w+|gic_handle_irq|_*irq_svc|el1h?_irq\w*|el1h?_64_irq\w*|do_IRQ|common_interrupt|call_on_irq_stack)$/

/** An interrupt came in: what it ran is not what takes the time. */
export const isInterrupt = (fn: string): boolean => INTERRUPT.test(fn)

/** They wait for other processors, and that these do not come is what is wrong. */
const WAITS_FOR_PROCESSORS =
  /^(smp_call_function|stop_machine|stop_one_cpu)(?:_(?:single|many|any|cond|interrupt)\w*)?$/

/** The name to blame for a wait for other processors. */
export const waitForProcessors = (fn: string): string | undefined => WAITS_FOR_PROCESSORS.exec(fn)?.[1]
