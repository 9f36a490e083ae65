#pragma once

#include <cstdint>
#include <string>

namespace ace::os {

/// Raises RLIMIT_NOFILE to the hard limit: every viewer is a descriptor. Returns what holds now.
std::uint64_t raise_descriptor_limit();

/// What `ps` and `top` show in the short column; cut to 15 bytes by the kernel.
void set_process_name(const std::string& name);

/// A peer that closed its end must cost one failed write, not the process.
void ignore_broken_pipes();

}  // namespace ace::os
