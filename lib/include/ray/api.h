// ray/api.h: the one header a program includes. Source-compatible with the Ray C++ API; header-only over
// mobula/runtime.h.
//   Threads    every function may be called by any thread; one ObjectRef object belongs to one thread at a time
//   Process    acts for the process that called ray::Init
//   Errors     exceptions of ray::internal, all derived from RayException; with MOBULA_PORTABLE defined, a program that
//              names anything of mobula:: does not compile
#pragma once

// Programs written for Ray lean on these without including them.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "ray/api/actor.h"
#include "ray/api/config.h"
#include "ray/api/exceptions.h"
#include "ray/api/flags.h"
#include "ray/api/function_manager.h"
#include "ray/api/function_traits.h"
#include "ray/api/invoker.h"
#include "ray/api/logging.h"
#include "ray/api/msgpack.h"
#include "ray/api/msgpack_adaptor.h"
#include "ray/api/object_ref.h"
#include "ray/api/objects.h"
#include "ray/api/option_checks.h"
#include "ray/api/pack_buffer.h"
#include "ray/api/placement_group.h"
#include "ray/api/ray_remote.h"
#include "ray/api/runtime.h"
#include "ray/api/runtime_env.h"
#include "ray/api/serializer.h"
#include "ray/api/start_hook.h"
#include "ray/api/stored_form.h"
#include "ray/api/task_caller.h"
#include "ray/api/wait_result.h"
#include "ray/api/xlang.h"

// Headers below ray/ that are included later lift this while they are read.
#ifdef MOBULA_PORTABLE
#define mobula mobula_is_not_part_of_Ray
#endif
