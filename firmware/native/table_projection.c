/* Classifiers behind a linear map that is tables; no more than TABLE_ROOM of its rows. */
#include "projection.h"

/* What the linker lays out, and the classifier by its other name. */
extern const projection midge_projection;
int32_t midge_projected(const int16_t *x, int16_t *scores);

int32_t projected_table_judge(const int16_t *x, int16_t *scores)
{
    int16_t projected[TABLE_ROOM] __attribute__((aligned(4)));

    projection_int16(&midge_projection, x, projected);
    return midge_projected(projected, scores);
}
