#include "models/weight_names.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <limits>
#include <vector>

#include "base/error.h"

namespace troika::models {
namespace {

struct Parts {
  std::string prefix;       // "blk.3."
  const WeightName* row;
  std::string file_name;    // of the row, in the file's words: "attn_q"
  std::string_view suffix;  // ".weight"
};

// What stands for the pattern's "*" in a name that it fits ("" when it has none); nothing when it does not fit.
std::optional<std::string_view> star_of(std::string_view pattern, std::string_view name) {
  size_t star = pattern.find('*');
  if (star == pattern.npos) return pattern == name ? std::optional<std::string_view>("") : std::nullopt;
  std::string_view before = pattern.substr(0, star), after = pattern.substr(star + 1);
  if (name.size() < pattern.size() || !name.starts_with(before) || !name.ends_with(after)) return std::nullopt;
  std::string_view number = name.substr(star, name.size() - before.size() - after.size());
  if (number.find_first_not_of("0123456789") != number.npos) return std::nullopt;
  return number;
}

Parts parts_of(std::string_view ours, files::FileKind kind, const WeightNames& names) {
  Parts parts{};
  std::string_view rest = ours;
  if (rest.starts_with("layer.")) {
    size_t end = rest.find('.', 6);
    parts.prefix = fmt::format("{}{}.", kind == files::FileKind::gguf ? names.gguf_layer : names.hf_layer,
                               rest.substr(6, end - 6));
    rest.remove_prefix(end + 1);
  }
  size_t dot = rest.rfind('.');  // before "weight" or "bias"
  parts.suffix = rest.substr(dot);
  for (const WeightName& row : names.rows) {
    auto star = star_of(row.ours, rest.substr(0, dot));
    if (!star) continue;
    parts.row = &row;
    parts.file_name = kind == files::FileKind::gguf ? row.gguf : row.hf;
    if (size_t at = parts.file_name.find('*'); at != std::string::npos) parts.file_name.replace(at, 1, *star);
  }
  check(parts.row != nullptr, fmt::format("weight {} has a row in the family's table of names", ours));
  return parts;
}

// "altup_proj[1]" is slice 1, "attn.qkv[1/3]" the second third of the rows, "proj[:1]" the second time.
struct Piece {
  std::string_view base;
  int index = 0, count = 0;  // count 0: of the first axis
  bool whole = true, time = false;
};

Piece piece_of(std::string_view name) {
  Piece piece{name};
  size_t open = name.find('[');
  if (open == std::string_view::npos) return piece;
  piece.base = name.substr(0, open);
  piece.whole = false;
  const char* end = name.data() + name.size();
  piece.time = name[open + 1] == ':';
  auto [slash, error] = std::from_chars(name.data() + open + (piece.time ? 2 : 1), end, piece.index);
  if (*slash == '/') std::from_chars(slash + 1, end, piece.count);
  return piece;
}

// [out, channel, time, …] → [out, channel · …]
std::optional<WeightView> at_time(const WeightView& view, int time) {
  const FormatInfo& format = info(view.format);
  if (view.shape.rank != 4 || time >= view.shape[2] || format.block_values != 1) return std::nullopt;
  size_t run = size_t(view.shape[3]) * format.block_bytes, times = size_t(view.shape[2]);
  size_t runs = size_t(view.shape[0]) * view.shape[1];
  auto storage = std::make_shared<std::vector<std::byte>>(runs * run);
  for (size_t i = 0; i < runs; ++i) {
    std::memcpy(storage->data() + i * run, view.bytes.data() + (i * times + time) * run, run);
  }
  return WeightView{view.name, view.format, {view.shape[0], view.shape[1] * view.shape[3]}, *storage, storage};
}

std::optional<WeightView> cut(WeightView view, const Piece& piece) {
  if (piece.whole) return view;
  if (piece.time) return at_time(view, piece.index);
  int pieces = piece.count > 0 ? piece.count : view.shape[0];
  if (piece.index >= pieces || view.shape[0] % pieces != 0) return std::nullopt;
  if (piece.count == 0 && view.shape.rank < 2) return std::nullopt;
  size_t bytes = view.bytes.size() / static_cast<size_t>(pieces);
  view.bytes = view.bytes.subspan(bytes * static_cast<size_t>(piece.index), bytes);
  if (piece.count > 0) {
    view.shape.dim[0] /= pieces;
  } else if (view.shape.rank == 3) {
    view.shape = {view.shape[1], view.shape[2]};
  } else {
    view.shape = {view.shape.columns()};
  }
  return view;
}

WeightView as_floats(const WeightView& view, std::vector<float> values, Shape shape) {
  auto storage = std::make_shared<std::vector<float>>(std::move(values));
  return {view.name, Format::f32, shape, std::as_bytes(std::span(*storage)), storage};
}

std::vector<float> unpacked(const WeightView& view) {
  std::vector<float> values(static_cast<size_t>(view.shape.values()));
  info(view.format).unpack(view.bytes.data(), values);
  return values;
}

WeightView plus_one(const WeightView& view) {
  std::vector<float> values = unpacked(view);
  for (float& v : values) v += 1;
  return as_floats(view, std::move(values), view.shape);
}

WeightView transposed(const WeightView& view) {
  int rows = view.shape[0], columns = view.shape[1];
  std::vector<float> from = unpacked(view), to(from.size());
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) to[size_t(c) * rows + r] = from[size_t(r) * columns + c];
  }
  return as_floats(view, std::move(to), {columns, rows});
}

WeightView flattened(WeightView view) {
  int64_t rest = view.shape.values() / view.shape[0];
  if (rest <= std::numeric_limits<int>::max()) view.shape = {view.shape[0], static_cast<int>(rest)};
  return view;
}

// Rows 0 1 2 3 … of a head are the pairs' firsts and seconds in turn; the firsts go before all seconds.
WeightView unpaired(const WeightView& view, int head_dim) {
  size_t row = view.bytes.size() / static_cast<size_t>(view.shape[0]), half = static_cast<size_t>(head_dim) / 2;
  auto storage = std::make_shared<std::vector<std::byte>>(view.bytes.size());
  for (size_t r = 0; r < static_cast<size_t>(view.shape[0]); ++r) {
    size_t head = r / (2 * half), i = r % (2 * half);
    size_t from = head * 2 * half + (i < half ? 2 * i : 2 * (i - half) + 1);
    std::memcpy(storage->data() + r * row, view.bytes.data() + from * row, row);
  }
  return {view.name, view.format, view.shape, *storage, storage};
}

WeightView adjusted(const WeightView& view, Adjust adjust, files::FileKind kind, int head_dim) {
  bool hf = kind == files::FileKind::safetensors;
  if (adjust == Adjust::hf_plus_one && hf) return plus_one(view);
  if (adjust == Adjust::gguf_unpair && !hf && view.shape[0] % head_dim == 0) return unpaired(view, head_dim);
  if (adjust == Adjust::transpose && view.shape.rank == 2) return transposed(view);
  if (adjust == Adjust::flatten && view.shape.rank > 2) return flattened(view);
  return view;
}

// Where a name may stand instead: published multimodal files put their text model under a prefix of its own; files
// written by other versions of the reference add or drop a "model." or the layer of classes in a vision tower.
constexpr std::string_view kPrefixes[] = {"", "language_model.", "model."};
constexpr std::string_view kTower = "vision_tower.vision_model.", kFlatTower = "vision_tower.";

std::vector<std::string> candidates(const std::string& name, files::FileKind kind) {
  if (kind == files::FileKind::gguf) return {name};
  std::vector<std::string> all;
  for (std::string_view prefix : kPrefixes) all.push_back(std::string(prefix) + name);
  if (name.starts_with("model.")) all.push_back("model.language_model." + name.substr(6));
  if (name.starts_with(kTower)) {
    std::string flat = std::string(kFlatTower) + name.substr(kTower.size());
    for (std::string_view prefix : kPrefixes) all.push_back(std::string(prefix) + flat);
  }
  return all;
}

}  // namespace

std::string name_in_file(std::string_view ours, files::FileKind kind, const WeightNames& names) {
  Parts parts = parts_of(ours, kind, names);
  Piece piece = piece_of(parts.file_name);
  if (piece.base.ends_with('$')) return parts.prefix + std::string(piece.base.substr(0, piece.base.size() - 1));
  return parts.prefix + std::string(piece.base) + std::string(parts.suffix);
}

std::optional<FoundWeight> find_weight(const files::ModelFile& file, const WeightNames& names, std::string_view ours,
                                       int head_dim) {
  Parts parts = parts_of(ours, file.kind(), names);
  Piece piece = piece_of(parts.file_name);
  for (const std::string& name : candidates(name_in_file(ours, file.kind(), names), file.kind())) {
    auto view = file.find(name);
    if (!view) continue;
    view = cut(*view, piece);
    if (!view) fail("{}: {} has no part {} of {}", file.path().string(), name, piece.index, piece.count);
    view->name = std::string(ours);
    return FoundWeight{adjusted(*view, parts.row->adjust, file.kind(), head_dim), name};
  }
  return std::nullopt;
}

}  // namespace troika::models
