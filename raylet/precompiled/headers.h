// raylet/precompiled/headers.h: the headers that take longest to read, read once for all files of the raylet.
#pragma once

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "raylet/asio.h"
