// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How deep the cgroups lie that the agent is in. Directories tell it only to those who see the
 * root of the machine's: inside a node that is a container itself, nobody does. Not attached.
 */
#include "kernel.h"

struct css_set {
	struct cgroup *dfl_cgrp;
} __attribute__((preserve_access_index));

struct task_struct {
	struct css_set *cgroups;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

/* What is written for each cgroup on the way to the root. */
struct place {
	__u64 id;
	__u64 level;
};

#define LEVELS_MAX 64

/* Of the thread that reads, and of no other. */
SEC("iter/task")
int shunt_list_cgroups(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct place place;
	struct cgroup *cgroup;

	if (!task || (__u64)task != bpf_get_current_task())
		return 0;
	cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	for (int i = 0; cgroup && i < LEVELS_MAX; i++) {
		place.id = BPF_CORE_READ(cgroup, kn, id);
		place.level = BPF_CORE_READ(cgroup, level);
		bpf_seq_write(ctx->meta->seq, &place, sizeof(place));
		cgroup = BPF_CORE_READ(cgroup, self.parent, cgroup);
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
