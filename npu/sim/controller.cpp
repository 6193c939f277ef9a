// The controller's side of the simulated array: it carries out an instruction stream, and what its writes to registers do.
#include <cstring>

#include "npu/sim/array.h"

namespace troika::npu::sim {
namespace {

[[noreturn]] void no_register(Tile tile, uint32_t address) {
  fault(FaultKind::bad_register, "The stream writes {:#x} of {}, which this design does not have.", address, to_text(tile));
}

}  // namespace

Process Array::run_stream(std::span<const txn::Operation> operations) {
  for (const txn::Operation& operation : operations) {
    if (auto* write = std::get_if<txn::Write>(&operation)) {
      write_register(write->reg, write->value);
    } else if (auto* block = std::get_if<txn::BlockWrite>(&operation)) {
      for (size_t i = 0; i < block->words.size(); ++i) write_register(block->reg + uint32_t(4 * i), block->words[i]);
    } else if (auto* masked = std::get_if<txn::MaskedWrite>(&operation)) {
      uint32_t& control = shim_control(txn::tile_of(masked->reg), txn::address_of(masked->reg));
      control = (control & ~masked->mask) | (masked->value & masked->mask);
    } else if (auto* patch = std::get_if<txn::AddressPatch>(&operation)) {
      const uint64_t address = host_.address(patch->argument, patch->offset);
      write_register(patch->reg, uint32_t(address));
      write_register(patch->reg + 4, uint32_t(address >> 32));
    } else if (auto* wait = std::get_if<txn::TokenWait>(&operation)) {
      ShimChannel* channel = shim_channel(wait->port);
      if (!channel)
        fault(FaultKind::bad_register, "The stream waits for {}, which this design does not have.", to_text(wait->port));
      co_await channel->token(controller_);
    }
  }
}

void Array::write_register(uint32_t reg, uint32_t value) {
  Tile tile = txn::tile_of(reg);
  uint32_t address = txn::address_of(reg);
  if (tile.column >= kColumns || tile.row >= kRows || address % 4) no_register(tile, address);
  switch (kind_of(tile)) {
    case TileKind::shim: return write_shim(tile, address, value);
    case TileKind::memory: no_register(tile, address);
    case TileKind::core: return write_core(tile, address, value);
  }
}

void Array::write_shim(Tile tile, uint32_t address, uint32_t value) {
  auto registers = shim_tiles_.find(number_of(tile));
  if (registers == shim_tiles_.end() || address < txn::kShimDescriptors) no_register(tile, address);
  uint32_t word = (address - txn::kShimDescriptors) / 4;
  if (word < registers->second.descriptors.size()) {
    int descriptor = int(word / txn::kShimDescriptorWords);
    for (const auto& channel : shim_channels_)
      if (channel->port.tile == tile && channel->needs(descriptor))
        fault(FaultKind::busy_descriptor, "The stream writes descriptor {} of {} while {} needs it.", descriptor,
              to_text(tile), channel->agent.name);
    registers->second.descriptors[word] = value;
    registers->second.iterations[size_t(descriptor)] = 0;
    return;
  }
  for (const auto& channel : shim_channels_)
    if (channel->port.tile == tile && address == txn::queue_of(channel->port))
      return channel->queue(controller_, {.descriptor = int(value & 15),
                                          .repeats = (value >> 16 & 255) + 1,
                                          .token = (value & txn::kTaskToken) != 0});
  shim_control(tile, address) = value;
}

void Array::write_core(Tile tile, uint32_t address, uint32_t value) {
  if (address < limits_of(tile).memory_bytes && memories_.contains(number_of(tile))) {
    TileMemory& memory = memory_of(tile);
    races_.access(controller_.party, memory.races, address, address + 4, true, to_text(tile));
    std::memcpy(&memory.bytes[address], &value, 4);
    return;
  }
  for (size_t i = 0; i < design_.locks.size(); ++i) {
    const LockSpec& lock = design_.locks[i];
    if (lock.tile == tile && lock.by_stream && address == txn::kCoreLocks + uint32_t(lock.number) * txn::kLockBytes)
      return locks_[i]->set(controller_, value);
  }
  no_register(tile, address);
}

ShimChannel* Array::shim_channel(const Port& port) {
  for (const auto& channel : shim_channels_)
    if (channel->port == port) return channel.get();
  return nullptr;
}

uint32_t& Array::shim_control(Tile tile, uint32_t address) {
  for (const auto& channel : shim_channels_)
    if (channel->port.tile == tile && address == txn::control_of(channel->port)) return channel->control;
  no_register(tile, address);
}

}  // namespace troika::npu::sim
