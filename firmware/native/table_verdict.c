/* Winners and scores of sums, for models that are tables. Compiled for sums of 32 and of 64 bits. */
#include "exponential.h"
#include "q15.h"
#include "table_model.h"
#include "votes.h"

#if TABLE_BITS == 64
#define SATURATED q15_int64
#define EXPONENT(sum, shift) exponent_uint64((uint64_t)(sum), shift)
#define VOTES_COUNT votes_count_int64
#define VOTES_WINNER_BY_SUM votes_winner_by_sum_int64
#else
#define SATURATED q15_int32
#define EXPONENT(sum, shift) exponent_uint32((uint32_t)(sum), shift)
#define VOTES_COUNT votes_count_int32
#define VOTES_WINNER_BY_SUM votes_winner_by_sum_int32
#endif

/* Fraction bits of an exponent; the exponent from which on a share is 0. */
enum { FRACTION_BITS = 12, VANISHING = 8 << FRACTION_BITS };

/* One rule each for how a winner comes out of the sums. */

int32_t winner_value(const table_judged *judged, const table_sum *sums, uint8_t *votes)
{
    (void)judged;
    (void)sums;
    (void)votes;
    return 0;
}

int32_t winner_sign(const table_judged *judged, const table_sum *sums, uint8_t *votes)
{
    (void)judged;
    (void)votes;
    return sums[0] > 0;
}

int32_t winner_at_least(const table_judged *judged, const table_sum *sums, uint8_t *votes)
{
    (void)judged;
    (void)votes;
    return sums[0] >= 0;
}

int32_t winner_duel(const table_judged *judged, const table_sum *sums, uint8_t *votes)
{
    (void)judged;
    (void)votes;
    return sums[0] <= 0;
}

int32_t winner_highest(const table_judged *judged, const table_sum *sums, uint8_t *votes)
{
    int32_t winner = 0;

    (void)votes;
    for (int32_t c = 1; c < judged->n_classes; c++) {
        if (sums[c] > sums[winner]) {
            winner = c;
        }
    }
    return winner;
}

int32_t winner_duels(const table_judged *judged, const table_sum *sums, uint8_t *votes)
{
    VOTES_COUNT(sums, judged->n_classes, votes);
    return votes_winner(votes, judged->n_classes);
}

int32_t winner_duels_sum(const table_judged *judged, const table_sum *sums, uint8_t *votes)
{
    VOTES_COUNT(sums, judged->n_classes, votes);
    return VOTES_WINNER_BY_SUM(votes, sums, judged->n_classes);
}

/* One rule each for the scores. */

void scores_duel(const table_judged *judged, const table_sum *sums, int32_t winner, const uint8_t *votes,
                 uint32_t *exponents, int16_t *scores)
{
    (void)judged;
    (void)sums;
    (void)votes;
    (void)exponents;
    scores[winner] = Q15_ONE;
    scores[winner ^ 1] = 0;
}

void scores_votes(const table_judged *judged, const table_sum *sums, int32_t winner, const uint8_t *votes,
                  uint32_t *exponents, int16_t *scores)
{
    (void)sums;
    (void)winner;
    (void)exponents;
    for (int32_t c = 0; c < judged->n_classes; c++) {
        scores[c] = (int16_t)(votes[c] * judged->share);
    }
}

void scores_softmax(const table_judged *judged, const table_sum *sums, int32_t winner, const uint8_t *votes,
                    uint32_t *exponents, int16_t *scores)
{
    (void)votes;
    for (int32_t c = 0; c < judged->n_classes; c++) {
        exponents[c] = EXPONENT(sums[winner] - sums[c], judged->shift - FRACTION_BITS);
    }
    softmax_write(exponents, judged->n_classes, scores);
}

static int16_t share_of(const table_judged *judged, table_sum sum)
{
    return (int16_t)sigmoid_q15(EXPONENT(sum < 0 ? -sum : sum, judged->shift - FRACTION_BITS), sum < 0);
}

void scores_sigmoid_sign(const table_judged *judged, const table_sum *sums, int32_t winner, const uint8_t *votes,
                         uint32_t *exponents, int16_t *scores)
{
    (void)winner;
    (void)votes;
    (void)exponents;
    scores[1] = share_of(judged, sums[0]);
    scores[0] = (int16_t)(Q15_ONE - scores[1]);
}

void scores_sigmoid(const table_judged *judged, const table_sum *sums, int32_t winner, const uint8_t *votes,
                    uint32_t *exponents, int16_t *scores)
{
    const table_sum highest = sums[winner];

    /* Where all shares vanish their ratios are those of the powers. */
    if (highest < 0 && EXPONENT(-highest, judged->shift - FRACTION_BITS) > VANISHING) {
        scores_softmax(judged, sums, winner, votes, exponents, scores);
        return;
    }
    for (int32_t c = 0; c < judged->n_classes; c++) {
        scores[c] = share_of(judged, sums[c]);
    }
    shares_normalise(scores, judged->n_classes);
}

void scores_sign(const table_judged *judged, const table_sum *sums, int32_t winner, const uint8_t *votes,
                 uint32_t *exponents, int16_t *scores)
{
    (void)winner;
    (void)votes;
    (void)exponents;
    scores[1] = SATURATED(sums[0], judged->shift);
    scores[0] = (int16_t)-scores[1];
}

void scores_first(const table_judged *judged, const table_sum *sums, int32_t winner, const uint8_t *votes,
                  uint32_t *exponents, int16_t *scores)
{
    (void)winner;
    (void)votes;
    (void)exponents;
    scores[0] = SATURATED(sums[0], judged->shift);
    scores[1] = (int16_t)-scores[0];
}

void scores_saturated(const table_judged *judged, const table_sum *sums, int32_t winner, const uint8_t *votes,
                      uint32_t *exponents, int16_t *scores)
{
    (void)winner;
    (void)votes;
    (void)exponents;
    for (int32_t c = 0; c < judged->n_scores; c++) {
        scores[c] = SATURATED(sums[c], judged->shift);
    }
}
