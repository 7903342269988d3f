/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Generated from abi.h and maps.h by scripts/gen-layout.mjs. Do not edit: run `make generate`. */
#ifndef SHUNT_LAYOUT_GEN_H
#define SHUNT_LAYOUT_GEN_H

/* What this object was built of, in a name: an agent of other records finds no such constant. */
const volatile bool layout_1c537d2408c9 = false;

#endif
