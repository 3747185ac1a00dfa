// ray/api/optional.h: boost::optional, which Ray's API names, or std::optional where Boost is not installed.
#pragma once

#if __has_include(<boost/optional.hpp>)
#include <boost/optional.hpp>
#else
#include <optional>
#endif

namespace ray {
namespace internal {

#if __has_include(<boost/optional.hpp>)
template <typename T>
using Optional = boost::optional<T>;
#else
template <typename T>
using Optional = std::optional<T>;
#endif

}  // namespace internal
}  // namespace ray
