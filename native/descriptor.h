/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHUNT_DESCRIPTOR_H
#define SHUNT_DESCRIPTOR_H

#include <stdint.h>

/* As /proc names what the descriptor of a BPF thing leads to. */
#define KIND_MAP "map"
#define KIND_PROGRAM "prog"
#define KIND_LINK "link"

/*
 * BPF_OBJ_GET_INFO_BY_FD after making sure that the descriptor is of that kind: the kernel would
 * write the info of any kind into whatever struct it is given.
 */
int describe(int fd, const char *kind, void *info, uint32_t size);

#endif
