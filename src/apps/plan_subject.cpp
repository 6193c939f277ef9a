#include "apps/plan_subject.h"

#include "engine/cache_plan.h"
#include "files/config_file.h"
#include "models/slices.h"

namespace troika::apps {

Subject examine(const ModelOptions& o) {
  std::filesystem::path path = find_model(o.model);
  Subject s;
  s.model.file = files::is_config_only(path) ? files::open_config(path) : files::ModelFile::open(path);
  s.model.architecture = &models::architecture_of(*s.model.file);
  s.model.spec = s.model.architecture->read(*s.model.file);
  if (!o.engine_options().slice.empty()) {
    s.model.spec = models::sliced(s.model.spec, o.engine_options().slice);
  }
  bool usual = o.engine.kv == "auto";
  s.model.kv_format = usual ? Format::f16 : engine::cache_format(o.engine.kv, s.model.spec.head_dim);
  s.program = models::trace(*s.model.architecture, s.model.spec, 1, 1);
  if (s.model.file->kind() == files::FileKind::gguf) return s;  // its tower, if any, lies in another file
  s.tower = models::tower_of(*s.model.file);
  if (!s.tower) return s;
  s.tower_spec = s.tower->read(*s.model.file);
  s.tower_program = models::trace(*s.tower, s.tower_spec, 1);
  return s;
}

}  // namespace troika::apps
