// mobula/errors.h: what is known of a failure, from the exception that Get threw.
//   Threads    reentrant
//   Ownership  the Error lives as long as the exception and its copies
//   Cost       one dynamic_cast
#pragma once

#include <exception>

#include "mobula/error.h"
#include "mobula/not_on_ray.h"
#include "ray/api/exceptions.h"

namespace mobula {

// Code, task, function, type of the user's exception, message, process, signal, times and causes; null when `exception`
// is none of ours.
//   catch (const std::exception &e) { if (const mobula::Error *error = mobula::error_of(e)) report(*error); }
inline const Error *error_of(const std::exception &exception) noexcept {
  const auto *const ours = dynamic_cast<const ray::internal::RayException *>(&exception);
  return ours == nullptr ? nullptr : &ours->error();
}

}  // namespace mobula
