// tools/json_writer.h: JSON written straight to a stream: for lists of a hundred thousand rows.
//   Threads    thread-bound
//   Errors     the caller keeps keys inside of objects and begins and ends in pairs
//   Cost       some nanoseconds a value without escapes; 64 KiB are written at a time
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

namespace mobula::tools {

// The text in quotes, escaped. What is not UTF-8 comes as '?'.
std::string json_text(std::string_view text);

class JsonWriter {
 public:
  explicit JsonWriter(std::ostream &output)
      : output_(output), buffer_(std::make_unique<char[]>(kBufferBytes)), at_(buffer_.get()) {}
  ~JsonWriter() { flush(); }
  JsonWriter(const JsonWriter &) = delete;
  JsonWriter &operator=(const JsonWriter &) = delete;

  JsonWriter &key(std::string_view name);
  // The same for a literal, in a few instructions.
  template <std::size_t kSize>
  JsonWriter &key(const char (&name)[kSize]) {
    static_assert(kSize < kBufferBytes / 2);
    char *at = separate(kSize + kKeyEnd.size());
    *at++ = '"';
    std::memcpy(at, name, kSize - 1);
    std::memcpy(at + kSize - 1, kKeyEnd.data(), kKeyEnd.size());
    at_ = at + kSize - 1 + kKeyEnd.size();
    return *this;
  }
  // The next value of the list begins on a line of its own.
  JsonWriter &line();
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_list() { open('['); }
  void end_list() { close(']'); }
  void text(std::string_view value);
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
  static constexpr std::size_t kBufferBytes = 64 << 10;
  static constexpr std::size_t kSeparatorBytesMax = 2;
  static constexpr std::string_view kKeyEnd = "\": ";

  std::size_t room() const { return kBufferBytes - static_cast<std::size_t>(at_ - buffer_.get()); }
  // Writes what comes between two values. Returns where the next goes, with room for `bytes`, at most kBufferBytes / 2.
  char *separate(std::size_t bytes) {
    if (room() < kSeparatorBytesMax + bytes) flush();
    if (needs_comma_) *at_++ = ',';
    if (needs_line_)
      *at_++ = '\n';
    else if (needs_comma_)
      *at_++ = ' ';
    needs_comma_ = needs_line_ = false;
    return at_;
  }
  void append(std::string_view text);
  void open(char bracket);
  void close(char bracket);
  void flush();

  std::ostream &output_;
  const std::unique_ptr<char[]> buffer_;
  char *at_;  // where the next byte goes
  bool needs_comma_ = false;
  bool needs_line_ = false;
};

}  // namespace mobula::tools
