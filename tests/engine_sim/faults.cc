#include "tests/engine_sim/faults.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace ace::sim {
namespace {

using Name = std::pair<Fault, std::string_view>;

constexpr std::array kNames{
    Name{Fault::Refuse, "refuse"},
    Name{Fault::Hang, "hang"},
    Name{Fault::SlowJson, "slow_json"},
    Name{Fault::ErrorJson, "error_json"},
    Name{Fault::NoContent, "no_content"},
    Name{Fault::Http500, "http_500"},
    Name{Fault::Http404, "http_404"},
    Name{Fault::Redirect, "redirect"},
    Name{Fault::HangPlayback, "hang_playback"},
    Name{Fault::Stall, "stall"},
    Name{Fault::Cut, "cut"},
    Name{Fault::Garbage, "garbage"},
    Name{Fault::Misaligned, "misaligned"},
    Name{Fault::Split, "split"},
    Name{Fault::Burst, "burst"},
    Name{Fault::LieAddress, "lie_address"},
    Name{Fault::Encrypted, "encrypted"},
    Name{Fault::Vod, "vod"},
    Name{Fault::NoRanges, "no_ranges"},
    Name{Fault::NoStatUrl, "no_stat_url"},
    Name{Fault::NoPeers, "no_peers"},
    Name{Fault::StringNumbers, "string_numbers"},
};

}  // namespace

Result<Fault> Faults::parse(std::string_view name) {
  const auto at = std::ranges::find(kNames, name, &Name::second);
  if (at == kNames.end()) return fail(Errc::InvalidArgument, "no such fault");
  return at->first;
}

std::string_view Faults::name_of(Fault fault) {
  return std::ranges::find(kNames, fault, &Name::first)->second;
}

const std::string* Faults::find(Fault fault) const {
  const auto at = active_.find(fault);
  return at == active_.end() ? nullptr : &at->second;
}

double Faults::number(Fault fault, double otherwise) const {
  const auto* value = find(fault);
  if (value == nullptr) return otherwise;
  double number = otherwise;
  std::from_chars(value->data(), value->data() + value->size(), number);
  return number;
}

}  // namespace ace::sim
