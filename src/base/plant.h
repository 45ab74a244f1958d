/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Planted bugs: switches set only by tests that compile a file once more with -DPLANT_<NAME>=1.
 * Each breaks one rule of durability, and a test shows that the crash explorer finds it. In every
 * other build planted() is the constant 0 and the branch is gone.
 */
#ifndef EBB_BASE_PLANT_H
#define EBB_BASE_PLANT_H

/* A macro defined as 1 makes PLANT_ARG_1 expand to "0," and so puts 1 in second place. */
#define PLANT_ARG_1 0,
#define PLANT_SECOND_(ignored, value, ...) value
#define PLANT_PICK_(junk) PLANT_SECOND_(junk 1, 0, 0)
#define PLANT_PASTE_(value) PLANT_PICK_(PLANT_ARG_##value)
#define PLANT_EXPAND_(value) PLANT_PASTE_(value)

#define planted(NAME) PLANT_EXPAND_(PLANT_##NAME)

#endif
