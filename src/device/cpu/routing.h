// Which experts the rows of a step go to, and in what order: rows of one expert lie together in slots, so that its
// weights are read once for all of them. A row's experts and shares depend on its own router values only.
#pragma once

#include <vector>

namespace troika::device::cpu {

class Routing {
 public:
  Routing(int rows, int experts, int used, bool normalise);

  // The `used` largest of a row's router values, best first (of equal ones the first expert), and their shares of
  // softmax. Several threads may choose for different rows.
  void choose(int row, const float* router) noexcept;
  // Gives a slot to each expert of each of the first `rows` rows, expert after expert. After all have chosen.
  void group(int rows) noexcept;

  struct Group {
    int expert, first, count;  // its slots
  };
  int groups() const { return groups_count_; }  // experts that have a row
  const Group& group_at(int i) const { return groups_[i]; }
  int slots() const { return slots_; }
  int row_of(int slot) const { return rows_[slot]; }
  int slot_of(int row, int choice) const { return slot_[row * used_ + choice]; }
  const float* shares(int row) const { return &shares_[row * used_]; }  // [used]

 private:
  int experts_, used_;
  bool normalise_;
  int groups_count_ = 0, slots_ = 0;
  std::vector<int> chosen_, slot_;  // [rows, used]
  std::vector<float> shares_;       // [rows, used]
  std::vector<int> rows_;           // [slots]
  std::vector<int> next_;           // [experts]: the next free slot of each
  std::vector<Group> groups_;       // [experts]
};

}  // namespace troika::device::cpu
