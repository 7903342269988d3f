/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libshunt: the kernel's BPF interface in calls that a foreign function interface can make safely.
 *
 * Every call answers with a value >= 0 or a negative errno; shunt_last_error() then has the words.
 * Neither structs nor callbacks cross: only integers, bytes with their length, and C strings. A BPF
 * object is a handle, valid until closed; everything else is a file descriptor (always
 * close-on-exec) that belongs to the caller, who ends it with shunt_close().
 *
 * Any thread may call; what concerns objects is done one call at a time. The caller answers for
 * the length of keys and values: n times the sizes that shunt_map_info() tells.
 */
#ifndef SHUNT_SHIM_H
#define SHUNT_SHIM_H

#include <stddef.h>
#include <stdint.h>

#define SHUNT_API __attribute__((visibility("default")))

/* Raised with any change of the calls below. */
#define SHUNT_ABI_VERSION 7

SHUNT_API int shunt_abi_version(void);

/*
 * Why the last call of this thread failed: libbpf's warnings, among them the verifier's log, and a
 * last line of ours. Writes the end of it, at most n - 1 bytes and a 0; returns the bytes written.
 */
SHUNT_API int shunt_last_error(void *buffer, size_t n);

/* --- objects: a compiled BPF file, from its bytes to its maps and programs in the kernel ---- */

/* Reads the bytes, keeps none. Returns a handle; -EMFILE: 64 are open; -ENOEXEC: no BPF object. */
SHUNT_API int shunt_object_open(const void *bytes, size_t n, const char *name);
SHUNT_API int shunt_object_close(int handle);

/*
 * Before loading. A constant is a `const volatile` global; n must be its size (-EINVAL). An unknown
 * name is -ENOENT, a loaded object -EBUSY.
 */
SHUNT_API int shunt_object_set_constant(int handle, const char *variable, const void *bytes,
					size_t n);
SHUNT_API int shunt_object_set_map_size(int handle, const char *map, uint32_t max_entries);
SHUNT_API int shunt_object_set_autoload(int handle, const char *program, int on);
/* Uses an existing map in place of a new one; its type, sizes and flags must be the same. */
SHUNT_API int shunt_object_reuse_map(int handle, const char *map, int fd);

/* Once only, also when it fails. */
SHUNT_API int shunt_object_load(int handle);
SHUNT_API int shunt_object_map_fd(int handle, const char *map);
SHUNT_API int shunt_object_program_fd(int handle, const char *program);

/* --- descriptors --------------------------------------------------------------------------- */

SHUNT_API int shunt_close(int fd);
SHUNT_API int shunt_pin(int fd, const char *path);
SHUNT_API int shunt_open_pinned(const char *path);

/* --- maps ---------------------------------------------------------------------------------- */

SHUNT_API int shunt_map_fd_by_id(uint32_t id);

/*
 * out: type, key size, value size, max entries, flags, id, bytes that one value takes in the calls
 * below (in per-CPU maps: one value for each possible CPU, rounded up to 8), 0.
 */
SHUNT_API int shunt_map_info(int fd, uint32_t *out);

SHUNT_API int shunt_map_lookup(int fd, const void *key, void *value);

/*
 * Return how many of n were applied, from the first on without a gap. Fewer than n: the next one
 * was refused, and shunt_last_error() says why. A negative errno: the first one was refused.
 */
SHUNT_API int shunt_map_update(int fd, const void *keys, const void *values, uint32_t n,
			       uint64_t flags);
SHUNT_API int shunt_map_delete(int fd, const void *keys, uint32_t n);

/*
 * Returns how many entries were read, at most n, and 0 only at the end of the map. The cursor is
 * 8 bytes and one key, but 12 bytes at least, zeroed before the first call and kept between calls.
 * -ENOSPC: more than n entries share a hash bucket; call again with a larger n. Entries that come
 * and go meanwhile may be missed or, in maps without batch calls, read twice.
 */
SHUNT_API int shunt_map_read(int fd, void *cursor, void *keys, void *values, uint32_t n);

/* Maps a BPF_F_MMAPABLE array into memory; *address outlives the descriptor. */
SHUNT_API int shunt_map_mmap(int fd, size_t length, int writable, uint64_t *address);
SHUNT_API int shunt_munmap(uint64_t address, size_t length);

/* --- ring buffers -------------------------------------------------------------------------- */

/* Returns a handle; -EMFILE: 16 are open. It outlives the descriptor. */
SHUNT_API int shunt_ring_open(int map_fd);

/*
 * Returns how many records were taken out, at most n, all of this size, and 0 if there are none.
 * -EMSGSIZE: one of another size came, which is lost with those before it. One call at a time.
 */
SHUNT_API int shunt_ring_read(int handle, void *records, size_t size, uint32_t n);
SHUNT_API int shunt_ring_close(int handle);

/* --- programs and links -------------------------------------------------------------------- */

SHUNT_API int shunt_program_fd_by_id(uint32_t id);

/* out: id, type, runs, nanoseconds in them, tag (as the number its hex digits write), maps used. */
SHUNT_API int shunt_program_info(int fd, uint64_t *out);
SHUNT_API int shunt_program_name(int fd, void *buffer, size_t n);

/* Both return how many ids there are and write the first n of them. */
SHUNT_API int shunt_program_map_ids(int fd, uint32_t *ids, uint32_t n);
SHUNT_API int shunt_cgroup_programs(const char *cgroup, int attach_type, uint32_t *ids, uint32_t n);

/*
 * Runs a SEC("syscall") program once; it may change the context. Returns what it returned, as an
 * unsigned 32-bit number.
 */
SHUNT_API int64_t shunt_program_run(int fd, void *context, size_t n);

/* Beside other programs, whoever attached them: they keep running. Lives as long as the link. */
SHUNT_API int shunt_attach_cgroup(int program_fd, const char *cgroup, int attach_type);
/* Attaches a SEC("tp_btf/...") program to its tracepoint. Lives as long as the link. */
SHUNT_API int shunt_attach_tracepoint(int program_fd);
/*
 * Attaches a SEC("sk_msg") program to a sockmap: to each socket that is put there from then on, as long
 * as that socket is there, whatever becomes of the map's descriptors. The last one attached counts.
 */
SHUNT_API int shunt_attach_messages(int program_fd, int map_fd);
/* Swaps the program without a moment in which none runs. */
SHUNT_API int shunt_link_update(int link_fd, int program_fd);
/* The program is detached when this returns; the link and its pin stay, and do nothing. */
SHUNT_API int shunt_link_detach(int link_fd);
SHUNT_API int64_t shunt_link_program_id(int fd);

/* The inode number of the cgroup's directory; 0 once that cgroup is gone, or for other links. */
SHUNT_API int64_t shunt_link_cgroup_id(int fd);

/* --- walks over what the kernel holds ------------------------------------------------------ */

/* Makes a link of a SEC("iter/...") program. map_fd is the map that it walks over; -1: none. */
SHUNT_API int shunt_attach_walk(int program_fd, int map_fd);

/* Returns a descriptor that is read to its end, once: the walk happens meanwhile. */
SHUNT_API int shunt_open_walk(int link_fd);

/*
 * Reads it to its end, `step` bytes at a time (4096 at most), and returns how many there were. What the
 * kernel holds on to while it walks, as files that others close meanwhile, it lets go after each step.
 */
SHUNT_API int64_t shunt_finish_walk(int walk_fd, size_t step);

/* --- sockets ------------------------------------------------------------------------------- */

/*
 * Ends connected UDP sockets: whoever waits for one is woken with ECONNABORTED, and it is not
 * connected any more. Looks for them in the network namespace of the process and in each that lies
 * in the directory, which need not exist. It does so on a thread of its own, and leaves nothing of
 * it.
 *
 * The map names the sockets: 8 bytes of cookie -> 20 bytes, of which the first 16 are the address
 * that the socket is connected to (IPv4 as IPv4-mapped IPv6) and the next 2 its port in network
 * order. What was ended is taken out of the map; what is not, or is connected elsewhere, stays in.
 *
 * link_fd is that of a SEC("iter/udp") program that does the same in one namespace with this map;
 * -1: SOCK_DESTROY of sock_diag(7). An error in one namespace does not keep it from the others; the
 * first one is returned.
 */
SHUNT_API int shunt_end_sockets(const char *directory, int map_fd, int link_fd);

/* Tries that on a socket of its own. Returns 1 if it was ended, 0 if this kernel has no such way. */
SHUNT_API int shunt_probe_end_sockets(int map_fd, int link_fd);

/* --- the system ---------------------------------------------------------------------------- */

/* The kernel counts and times program runs for as long as the descriptor is open. */
SHUNT_API int shunt_enable_stats(void);

SHUNT_API int shunt_mount_bpffs(const char *path);
SHUNT_API int shunt_is_bpffs(const char *path);

/*
 * Takes a directory for this process alone, until the returned descriptor is closed or the process
 * ends in whatever way. -EAGAIN: another has it.
 */
SHUNT_API int shunt_lock(const char *directory);

/*
 * Returns when every run of a non-sleepable BPF program that was under way at the call has ended:
 * after an RCU grace period, some milliseconds.
 */
SHUNT_API int shunt_wait_programs(void);

SHUNT_API int shunt_possible_cpus(void);

/* Gives heap memory that is free back to the system; returns 1 if there was any, else 0. */
SHUNT_API int shunt_trim_memory(void);

/*
 * Takes the pages of programs and libraries out of this process: those that it needs it finds again in the page cache,
 * at the next use. Returns from how many mappings.
 */
SHUNT_API int shunt_unmap_clean_pages(void);

/* Kernels before 5.11 charge maps to RLIMIT_MEMLOCK. -EPERM without CAP_SYS_RESOURCE. */
SHUNT_API int shunt_set_rlimit_memlock(void);

#endif
