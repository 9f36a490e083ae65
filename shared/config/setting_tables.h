#pragma once

#include <vector>

#include "shared/config/settings.h"

/// The settings, group by group, in the order in which --help shows them. settings() joins them.
namespace ace::config {

void add_engine_settings(std::vector<Setting>& all);
void add_server_settings(std::vector<Setting>& all);
void add_access_settings(std::vector<Setting>& all);
void add_redis_settings(std::vector<Setting>& all);
void add_buffer_settings(std::vector<Setting>& all);
void add_client_settings(std::vector<Setting>& all);
void add_log_settings(std::vector<Setting>& all);

}  // namespace ace::config
