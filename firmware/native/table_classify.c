/* Classifiers that are tables: sums on the stack, TABLE_ROOM of them, then the verdict. */
#include "midge_model.h"
#include "table_model.h"

#if TABLE_BITS == 32
int32_t forest_table_judge(const int16_t *x, int16_t *scores)
{
    uint32_t sums[TABLE_ROOM];

    return midge_forest.classify(midge_forest.forest, x, sums, scores);
}
#endif

int32_t sums_table_judge(const int16_t *x, int16_t *scores)
{
    table_sum sums[TABLE_ROOM];
    uint32_t exponents[TABLE_ROOM];
    uint8_t votes[TABLE_ROOM];
    int32_t winner;

    midge_judged.sums(midge_judged.model, x, sums);
    winner = midge_judged.winner(&midge_judged, sums, votes);
    midge_judged.scores(&midge_judged, sums, winner, votes, exponents, scores);
    return winner;
}
