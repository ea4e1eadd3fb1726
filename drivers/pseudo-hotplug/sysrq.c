// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the keys come from: probes on the two functions through which every
 * sysrq goes.
 *
 *	handle_sysrq(key)          "xl sysrq" (drivers/xen/manage.c), a BREAK on
 *	                           a serial port (serial_core.h)
 *	__handle_sysrq(key, mask)  the same once the sysrq mask allowed it, and
 *	                           /proc/sysrq-trigger, and a keyboard
 *
 * register_sysrq_key() will not do: the digits belong to the operation that
 * sets the console's log level.
 */
#define pr_fmt(fmt) "pseudo-hotplug: " fmt

#include <linux/errno.h>
#include <linux/kprobes.h>
#include <linux/printk.h>
#include <linux/ptrace.h>

#include "pseudo-hotplug.h"

#ifndef CONFIG_ARM64
#error "pseudo-hotplug knows how to return early from a probed function on arm64 only"
#endif

static ph_sysrq_fn ph_consume;

/*
 * The probe sits on the first instruction. Nothing has been pushed, the link
 * register is neither signed (pointer authentication) nor saved (shadow call
 * stack), so going there is returning; after a tail call it is the caller's
 * caller that is returned to, as it would be anyway. A call through a register
 * (a module's veneer) leaves a branch type in PSTATE, which must not survive
 * until a return address, where there is no landing pad for it.
 */
static void ph_return_at_once(struct pt_regs *regs)
{
	regs->pstate &= ~PSR_BTYPE_MASK;
	instruction_pointer_set(regs, procedure_link_pointer(regs));
}

static int ph_pre_handler(struct kprobe *kp, struct pt_regs *regs)
{
	u8 key = regs_get_kernel_argument(regs, 0);

	if (!ph_consume(key))
		return 0;
	ph_return_at_once(regs);
	return 1;
}

/*
 * A pre-handler that changes the path of execution needs a post-handler, be it
 * an empty one: it keeps the probe from being optimised into a jump, which
 * would ignore the new path (Documentation/trace/kprobes.rst).
 */
static void ph_post_handler(struct kprobe *kp, struct pt_regs *regs,
			    unsigned long flags)
{
}

static struct kprobe ph_probe = {
	.symbol_name = "handle_sysrq",
	.pre_handler = ph_pre_handler,
	.post_handler = ph_post_handler,
};

static struct kprobe ph_trigger_probe = {
	.symbol_name = "__handle_sysrq",
	.pre_handler = ph_pre_handler,
	.post_handler = ph_post_handler,
};

static bool ph_trigger_probed;

/**
 * ph_sysrq_register() - begin to receive keys
 * @fn: sees every key, and says which ones the kernel shall not see
 *
 * Return: 0, or a negative errno if handle_sysrq() cannot be probed. Without
 * the other function there is only no /proc/sysrq-trigger: a warning.
 */
int ph_sysrq_register(ph_sysrq_fn fn)
{
	int err;

	ph_consume = fn;

	err = register_kprobe(&ph_probe);
	if (err) {
		pr_err("cannot probe %s: %pe (are CONFIG_KPROBES and CONFIG_MAGIC_SYSRQ on?)\n",
		       ph_probe.symbol_name, ERR_PTR(err));
		return err;
	}

	err = register_kprobe(&ph_trigger_probe);
	if (err)
		pr_warn("cannot probe %s: %pe: no keys from /proc/sysrq-trigger\n",
			ph_trigger_probe.symbol_name, ERR_PTR(err));
	ph_trigger_probed = !err;
	return 0;
}

/**
 * ph_sysrq_unregister() - receive no more keys
 *
 * When it returns, the function given to ph_sysrq_register() is not running
 * anywhere and will not be called again.
 */
void ph_sysrq_unregister(void)
{
	if (ph_trigger_probed)
		unregister_kprobe(&ph_trigger_probe);
	unregister_kprobe(&ph_probe);

	if (ph_probe.nmissed || ph_trigger_probe.nmissed)
		pr_warn("%lu keys came while another probe was running and went to the kernel\n",
			ph_probe.nmissed + ph_trigger_probe.nmissed);
}
