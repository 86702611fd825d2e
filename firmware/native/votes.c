/* Votes of duels between classes. */
#include "votes.h"

#define VOTES_COUNT(width)                                                                                     \
    void votes_count_##width(const width##_t *duels, int32_t n_classes, uint8_t *votes)                        \
    {                                                                                                          \
        for (int32_t i = 0; i < n_classes; i++) {                                                              \
            votes[i] = 0;                                                                                      \
        }                                                                                                      \
        for (int32_t i = 0; i < n_classes; i++) {                                                              \
            int32_t won = votes[i];                                                                            \
            for (int32_t j = i + 1; j < n_classes; j++) {                                                      \
                if (*duels++ > 0) {                                                                            \
                    won++;                                                                                     \
                } else {                                                                                       \
                    votes[j]++;                                                                                \
                }                                                                                              \
            }                                                                                                  \
            votes[i] = (uint8_t)won;                                                                           \
        }                                                                                                      \
    }

VOTES_COUNT(int32)
VOTES_COUNT(int64)

int32_t votes_winner(const uint8_t *votes, int32_t n_classes)
{
    int32_t winner = 0;

    for (int32_t i = 1; i < n_classes; i++) {
        if (votes[i] > votes[winner]) {
            winner = i;
        }
    }
    return winner;
}

/* Sum of the duels of class `of`, those that it stands second in negated. */
#define DUELS_SUM(width)                                                                                       \
    static int64_t duels_sum_##width(const width##_t *duels, int32_t n_classes, int32_t of)                    \
    {                                                                                                          \
        int64_t sum = 0;                                                                                       \
        for (int32_t i = 0; i < n_classes; i++) {                                                              \
            for (int32_t j = i + 1; j < n_classes; j++, duels++) {                                             \
                sum += i == of ? *duels : j == of ? -(int64_t)*duels : 0;                                      \
            }                                                                                                  \
        }                                                                                                      \
        return sum;                                                                                            \
    }

#define VOTES_WINNER_BY_SUM(width)                                                                             \
    int32_t votes_winner_by_sum_##width(const uint8_t *votes, const width##_t *duels, int32_t n_classes)       \
    {                                                                                                          \
        int32_t winner = votes_winner(votes, n_classes);                                                       \
        int64_t highest = duels_sum_##width(duels, n_classes, winner);                                         \
        const uint8_t most = votes[winner];                                                                    \
        for (int32_t i = winner + 1; i < n_classes; i++) {                                                     \
            if (votes[i] == most) {                                                                            \
                const int64_t sum = duels_sum_##width(duels, n_classes, i);                                    \
                if (sum > highest) {                                                                           \
                    winner = i;                                                                                \
                    highest = sum;                                                                             \
                }                                                                                              \
            }                                                                                                  \
        }                                                                                                      \
        return winner;                                                                                         \
    }

DUELS_SUM(int32)
DUELS_SUM(int64)
VOTES_WINNER_BY_SUM(int32)
VOTES_WINNER_BY_SUM(int64)
