#include "npu/design/builder.h"

#include <algorithm>
#include <fmt/format.h>

namespace troika::npu {

int Builder::add_buffer(std::string name, Tile tile, uint32_t bytes) {
  Place& place = place_of(tile);
  design_.buffers.push_back({std::move(name), tile, place.next_byte, bytes});
  place.next_byte += (bytes + kVectorBytes - 1) / kVectorBytes * kVectorBytes;
  return int(design_.buffers.size()) - 1;
}

int Builder::add_lock(std::string name, Tile tile, int initial, bool by_stream) {
  design_.locks.push_back({std::move(name), tile, place_of(tile).next_lock++, initial, by_stream});
  return int(design_.locks.size()) - 1;
}

Fifo Builder::add_fifo(const std::string& name, Tile tile, int depth, uint32_t bytes) {
  Fifo fifo;
  for (int i = 0; i < depth; ++i) fifo.buffers.push_back(add_buffer(fmt::format("{}.{}", name, i), tile, bytes));
  fifo.free = add_lock(name + ".free", tile, depth);
  fifo.full = add_lock(name + ".full", tile, 0);
  return fifo;
}

void Builder::add_channel(const Port& port, const std::vector<Fifo>& fifos, uint32_t bytes) {
  bool fills = port.direction == Direction::s2mm;
  ChannelSpec channel{port, {}};
  for (size_t i = 0; i < fifos[0].buffers.size(); ++i)
    for (const Fifo& fifo : fifos) {
      DescriptorSpec descriptor{next_descriptor(port), fifo.buffers[i], 0, bytes / 4};
      descriptor.acquire = LockUse{fills ? fifo.free : fifo.full};
      descriptor.release = LockUse{fills ? fifo.full : fifo.free};
      channel.descriptors.push_back(descriptor);
    }
  for (size_t i = 0; i < channel.descriptors.size(); ++i)
    channel.descriptors[i].next = channel.descriptors[(i + 1) % channel.descriptors.size()].number;
  design_.channels.push_back(std::move(channel));
}

Builder::Place& Builder::place_of(Tile tile) {
  Place& place = places_[number_of(tile)];
  if (kind_of(tile) == TileKind::core) place.next_byte = std::max(place.next_byte, kStackBytes);
  return place;
}

int Builder::next_descriptor(const Port& port) {
  bool upper = kind_of(port.tile) == TileKind::memory && port.channel % 2 == 1;
  return (upper ? kMemoryLimits.descriptors / 2 : 0) + place_of(port.tile).next_descriptor[upper]++;
}

}  // namespace troika::npu
