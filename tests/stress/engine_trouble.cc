#include "tests/stress/engine_trouble.h"

#include <array>

namespace ace::stress {
namespace {

using namespace std::chrono_literals;

struct Trouble {
  std::string_view name;
  std::string_view value;
};

// Whatever leaves each packet as it should be: of garbage in between, the packet that it begins in
// cannot be told from a good one, and is passed on.
constexpr std::array kTroubles{Trouble{"refuse", ""},
                               Trouble{"refuse", "reset"},
                               Trouble{"hang", ""},
                               Trouble{"hang", "all"},
                               Trouble{"slow_json", "20"},
                               Trouble{"error_json", "no peers"},
                               Trouble{"http_500", ""},
                               Trouble{"http_500", "playback"},
                               Trouble{"http_404", "playback"},
                               Trouble{"redirect", "loop"},
                               Trouble{"hang_playback", ""},
                               Trouble{"stall", ""},
                               Trouble{"cut", ""},
                               Trouble{"cut", "reset"},

                               Trouble{"misaligned", "100"},
                               Trouble{"split", ""},
                               Trouble{"burst", "5"}};

}  // namespace

EngineTrouble::EngineTrouble(const test::SimProcess& engines, std::size_t count, unsigned seed)
    : engines_{engines},
      count_{count},
      random_{seed},
      next_{std::chrono::steady_clock::now() + 5s} {}

void EngineTrouble::turn() {
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(ends_, [&](const auto& end) {
    if (end.second > now) return false;
    engines_.clear_faults(end.first);
    return true;
  });
  // Two are well at any time: one that is given all streams, and one for the next trouble.
  if (now < next_ || ends_.size() + 2 >= count_) return;
  next_ = now + 3s + random_() % 5000 * 1ms;
  const auto engine = random_() % count_;
  if (ends_.contains(engine)) return;
  const auto& trouble = kTroubles[random_() % kTroubles.size()];
  engines_.fault(trouble.name, trouble.value, engine);
  ends_[engine] = now + 3s + random_() % 15'000 * 1ms;
  ++begun_[trouble.name];
}

void EngineTrouble::end_all() {
  for (const auto& end : ends_) engines_.clear_faults(end.first);
  ends_.clear();
}

}  // namespace ace::stress
