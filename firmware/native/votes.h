/* Duels between classes i < j, in the order (0,1) (0,2) … (1,2) …: above 0 is a vote for i, else for j. */
#ifndef VOTES_H
#define VOTES_H

#include <stdint.h>

void votes_count_int32(const int32_t *duels, int32_t n_classes, uint8_t *votes);
void votes_count_int64(const int64_t *duels, int32_t n_classes, uint8_t *votes);

/* Class with the most votes, the lowest at a tie. */
int32_t votes_winner(const uint8_t *votes, int32_t n_classes);

/* Class with the most votes; at a tie the one with the highest sum of its duels, then the lowest. */
int32_t votes_winner_by_sum_int32(const uint8_t *votes, const int32_t *duels, int32_t n_classes);
int32_t votes_winner_by_sum_int64(const uint8_t *votes, const int64_t *duels, int32_t n_classes);

#endif
