/* A toy model with everything that a module can need: for tests of what is around a model. */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#define MIDGE_ABI 1
#define MIDGE_STATE_BYTES 32
#define MIDGE_N_FEATURES 3
#define MIDGE_N_SCORES 4
#define MIDGE_N_CHANNELS 2
#define MIDGE_HAS_FRONTEND 1
#define MIDGE_INFO_JSON "{\"name\":\"toy\",\"labels\":[\"a\",\"b\",\"c\",\"d\"]}"

#endif
