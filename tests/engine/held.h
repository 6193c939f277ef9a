// An engine that begins nothing while this stands, so that what is submitted meanwhile begins in one step.
#pragma once

#include <future>
#include <memory>

#include "engine/engine.h"

namespace troika::engine {

class Held {
 public:
  // Returns once the engine's thread waits: in the first event of a small request of our own.
  explicit Held(Engine& engine) {
    engine.submit({.prompt = {0}, .max_tokens = 1}, [door = door_](const Event&) {
      if (std::exchange(door->reached, true)) return;
      door->waits.set_value();
      door->open.get_future().wait();
    });
    door_->waits.get_future().wait();
  }
  ~Held() { door_->open.set_value(); }
  Held(const Held&) = delete;

 private:
  struct Door {
    bool reached = false;
    std::promise<void> waits, open;
  };
  const std::shared_ptr<Door> door_ = std::make_shared<Door>();
};

}  // namespace troika::engine
