// tools/json_writer.h: JSON written straight to a stream: for lists of a hundred thousand rows.
//   Threads    thread-bound
//   Errors     the caller keeps keys inside of objects and begins and ends in pairs
//   Cost       some ten nanoseconds a value; 64 KiB are written at a time
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

namespace mobula::tools {

// The text in quotes, escaped. What is not UTF-8 comes as '?'.
std::string json_text(std::string_view text);

class JsonWriter {
 public:
  explicit JsonWriter(std::ostream &output) : output_(output) {}
  ~JsonWriter() { flush(); }
  JsonWriter(const JsonWriter &) = delete;
  JsonWriter &operator=(const JsonWriter &) = delete;

  JsonWriter &key(std::string_view name);
  // The next value of the list begins on a line of its own.
  JsonWriter &line();
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_list() { open('['); }
  void end_list() { close(']'); }
  void text(std::string_view value) { raw(json_text(value)); }
  // In quotes as it is: nothing in it needs an escape.
  void word(std::string_view value);
  // JSON already.
  void raw(std::string_view json);
  void number(std::uint64_t value);
  void signed_number(std::int64_t value);
  void boolean(bool value) { raw(value ? "true" : "false"); }
  void null() { raw("null"); }
  // Ends the text with a line feed.
  void finish();

 private:
  void open(char bracket);
  void close(char bracket);
  void separate();
  void flush();

  std::ostream &output_;
  std::string buffer_;
  bool needs_comma_ = false;
  bool needs_line_ = false;
};

}  // namespace mobula::tools
