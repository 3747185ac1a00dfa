// ray/api/msgpack_adaptor.h: std::any inside of msgpack values, for the types that msgpack itself names.
//   Threads    reentrant
//   Errors     msgpack::type_error for any other type
#pragma once

#include <any>
#include <cstdint>
#include <string>
#include <vector>

#include "ray/api/msgpack.h"

namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace adaptor {

  template <>
  struct pack<std::any> {
    template <typename Stream>
    msgpack::packer<Stream> &operator()(msgpack::packer<Stream> &packer, const std::any &value) const {
      const bool packed = pack_as<msgpack::type::nil_t>(packer, value) || pack_as<bool>(packer, value) ||
                          pack_as<std::uint64_t>(packer, value) || pack_as<std::int64_t>(packer, value) ||
                          pack_as<double>(packer, value) || pack_as<std::string>(packer, value) ||
                          pack_as<std::vector<char>>(packer, value);
      if (!packed) throw msgpack::type_error();
      return packer;
    }

   private:
    template <typename T, typename Stream>
    static bool pack_as(msgpack::packer<Stream> &packer, const std::any &value) {
      const T *const typed = std::any_cast<T>(&value);
      if (typed != nullptr) packer.pack(*typed);
      return typed != nullptr;
    }
  };

  template <>
  struct convert<std::any> {
    const msgpack::object &operator()(const msgpack::object &object, std::any &value) const {
      switch (object.type) {
        case msgpack::type::NIL:
          value = msgpack::type::nil_t();
          break;
        case msgpack::type::BOOLEAN:
          value = object.as<bool>();
          break;
        case msgpack::type::POSITIVE_INTEGER:
          value = object.as<std::uint64_t>();
          break;
        case msgpack::type::NEGATIVE_INTEGER:
          value = object.as<std::int64_t>();
          break;
        case msgpack::type::FLOAT32:
        case msgpack::type::FLOAT64:
          value = object.as<double>();
          break;
        case msgpack::type::STR:
          value = object.as<std::string>();
          break;
        case msgpack::type::BIN:
          value = object.as<std::vector<char>>();
          break;
        default:
          throw msgpack::type_error();
      }
      return object;
    }
  };

  }  // namespace adaptor
}
}  // namespace msgpack
