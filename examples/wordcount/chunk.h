// wordcount/chunk.h: the unit of work. A chunk is a list of slices: pieces of files, whole small ones together.
//   The rule   a word belongs to the slice in which its first byte lies: a slice skips the rest of a word that began
//              before it, and reads past its end until its last word is complete. No word is cut or counted twice
//   Threads    reentrant; runs in workers
//   Errors     a file that cannot be read is noted in the tally; nothing is thrown for it
#pragma once

#include <fcntl.h>
#include <ray/api.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tally.h"
#include "word_table.h"

namespace wordcount {

struct Slice {
  std::string path;  // absolute: a worker's working directory may differ from the driver's
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  MSGPACK_DEFINE(path, offset, length)
};

// A file open for reading; closes itself.
class ReadOnlyFile {
 public:
  explicit ReadOnlyFile(const std::string &path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~ReadOnlyFile() {
    if (fd_ >= 0) close(fd_);
  }
  ReadOnlyFile(const ReadOnlyFile &) = delete;
  ReadOnlyFile &operator=(const ReadOnlyFile &) = delete;
  bool is_open() const { return fd_ >= 0; }

  // Appends up to `length` bytes from `offset` on; fewer at the end of the file. False, with errno set, on an error.
  bool append(std::uint64_t offset, std::uint64_t length, std::string &text) const {
    const std::size_t before = text.size();
    text.resize(before + length);
    std::uint64_t done = 0;
    while (done < length) {
      const ssize_t count = pread(fd_, &text[before + done], length - done, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return false;
      if (count == 0) break;
      done += static_cast<std::uint64_t>(count);
    }
    text.resize(before + done);
    return true;
  }

 private:
  int fd_;
};

inline constexpr std::uint64_t kReadOnBytes = 4096;  // how much is read at a time past the end of a slice

inline bool is_word_char(char c) { return is_word_byte(static_cast<unsigned char>(c)); }

// Appends bytes of the file from `offset` on, up to the end of the word that `text` ends in.
inline bool complete_word(const ReadOnlyFile &file, std::uint64_t offset, std::string &text) {
  while (!text.empty() && is_word_char(text.back())) {
    const std::size_t before = text.size();
    if (!file.append(offset, kReadOnBytes, text)) return false;
    if (text.size() == before) return true;  // the end of the file
    offset += kReadOnBytes;
    const auto added = text.begin() + static_cast<std::ptrdiff_t>(before);
    const auto word_end = std::find_if_not(added, text.end(), is_word_char);
    const bool complete = word_end != text.end();
    text.erase(word_end, text.end());
    if (complete) return true;
  }
  return true;
}

// Reads the words that belong to the slice into `text`, and counts its bytes. False, with errno set, on an error.
inline bool read_slice(const ReadOnlyFile &file, const Slice &slice, std::string &text, std::uint64_t &bytes) {
  text.clear();
  const std::uint64_t lead = slice.offset > 0 ? 1 : 0;  // the byte before tells whether a word is under way
  if (!file.append(slice.offset - lead, lead + slice.length, text)) return false;
  bytes += text.size() - std::min<std::uint64_t>(lead, text.size());
  if (lead == 1) text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_word_char));
  return complete_word(file, slice.offset + slice.length, text);
}

inline void count_slice(const Slice &slice, std::string &text, WordTable &table, Tally &tally) {
  const ReadOnlyFile file(slice.path);
  if (!file.is_open() || !read_slice(file, slice, text, tally.bytes)) {
    tally.unreadable.push_back(slice.path + ": " + std::strerror(errno));
    return;
  }
  if (slice.offset == 0) ++tally.files;
  table.add_all(text);
}

// The task: counts the words of the slices.
inline Tally count_chunk(const std::vector<Slice> &slices) {
  Tally tally;
  WordTable table;
  std::string text;
  for (const Slice &slice : slices) count_slice(slice, text, table, tally);
  std::sort(tally.unreadable.begin(), tally.unreadable.end());
  tally.unreadable.erase(std::unique(tally.unreadable.begin(), tally.unreadable.end()), tally.unreadable.end());
  table.write_to(tally);
  return tally;
}

}  // namespace wordcount
