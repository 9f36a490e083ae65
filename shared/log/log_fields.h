#pragma once

#include <string>
#include <string_view>

namespace ace::log {

/// Appends the text of an event, `stream=… why="…": what for`, as members of a JSON object, each
/// with a comma in front: one for each `key=value` at its beginning, with the value as a string,
/// and "msg" for what comes behind them, if there is something. A key that the object has already,
/// or that every line has, gets `field_` in front.
void append_members(std::string& members, std::string_view text);

}  // namespace ace::log
