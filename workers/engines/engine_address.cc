#include "workers/engines/engine_address.h"

namespace ace::engines {

std::string EngineAddress::id() const { return name.empty() ? authority().text() : name; }

}  // namespace ace::engines
