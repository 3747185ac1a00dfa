// ray/api/msgpack.h: the one place that includes msgpack-cxx.
//   msgpack-cxx uses Boost for a few adaptors (boost::optional, chrono) unless told otherwise: with Boost installed
//   they stay available to programs, without it the program still compiles.
#pragma once

#if !defined(MSGPACK_NO_BOOST)
#if !__has_include(<boost/predef/other/endian.h>) || !__has_include(<boost/optional.hpp>)
#define MSGPACK_NO_BOOST
#endif
#endif

#include <msgpack.hpp>
