# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# abi.h -> C that refers to each of its structs and enums, and repeats its macros as members of an enum.
BEGIN { print "#include \"abi.h\"\n" }

/^(struct|enum) [a-z0-9_]+ \{/ { printf "const %s %s *unused_%s __attribute__((unused));\n", $1, $2, $2 }

/^#define [A-Z0-9_]+ ./ { constants = constants sprintf("\tCONSTANT_%s = %s,\n", $2, $2) }

END { printf "\nenum constant {\n%s};\nconst enum constant *unused_constant __attribute__((unused));\n", constants }
