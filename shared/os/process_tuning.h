#pragma once

#include <cstdint>
#include <string>

namespace ace::os {

/// Raises RLIMIT_NOFILE to the hard limit: every viewer is a descriptor. Returns what holds now.
std::uint64_t raise_descriptor_limit();

/// What `ps` and `top` show in the short column; cut to 15 bytes by the kernel.
void set_process_name(const std::string& name);

/// Opens /dev/null for each of the descriptors 0 to 2 that is closed. Before anything else is
/// opened: what libraries and we write to standard error would go into whatever took its number.
/// False: one of them could not be opened.
[[nodiscard]] bool open_standard_descriptors();

/// The kernel writes no core dump of this process and its children, to a file or into a program;
/// debuggers are not kept out. `prlimit --core=unlimited` allows them again.
void forbid_core_dumps();

/// A peer that closed its end must cost one failed write, not the process.
void ignore_broken_pipes();

}  // namespace ace::os
