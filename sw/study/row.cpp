#include "sw/study/row.h"

#include <cstring>
#include <stdexcept>

namespace nibble::study {

namespace {

void Put(std::string& bytes, const void* data, size_t size) {
  bytes.append(static_cast<const char*>(data), size);
}

void Put(std::string& bytes, const std::string& text) {
  const uint64_t size = text.size();
  Put(bytes, &size, sizeof size);
  bytes += text;
}

class Reader {
 public:
  explicit Reader(const std::string& bytes) : bytes_(bytes) {}
  void Get(void* to, size_t size) {
    if (bytes_.size() - at_ < size) throw std::invalid_argument("a row that ends early");
    std::memcpy(to, bytes_.data() + at_, size);
    at_ += size;
  }
  std::string Text() {
    uint64_t size = 0;
    Get(&size, sizeof size);
    if (bytes_.size() - at_ < size) throw std::invalid_argument("a row that ends early");
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }

 private:
  const std::string& bytes_;
  size_t at_ = 0;
};

}  // namespace

const char* StatusName(Status status) {
  switch (status) {
    case Status::kOk:
      return "ok";
    case Status::kRefused:
      return "refused";
    case Status::kFailed:
      break;
  }
  return "failed";
}

Status ParseStatus(const std::string& name) {
  for (const Status s : {Status::kOk, Status::kRefused, Status::kFailed}) {
    if (name == StatusName(s)) return s;
  }
  throw std::invalid_argument("status \"" + name + "\"");
}

std::string Pack(const Row& row, const Timing& timing) {
  std::string bytes;
  for (const std::string* text : {&row.key, &row.platform, &row.error, &row.parameters, &row.totals,
                                  &row.report, &timing.host}) {
    Put(bytes, *text);
  }
  Put(bytes, &row.status, sizeof row.status);
  Put(bytes, &timing.wall_s, sizeof timing.wall_s);
  Put(bytes, &timing.cpu_s, sizeof timing.cpu_s);
  return bytes;
}

void Unpack(const std::string& bytes, Row& row, Timing& timing) {
  Reader reader(bytes);
  for (std::string* text : {&row.key, &row.platform, &row.error, &row.parameters, &row.totals,
                            &row.report, &timing.host}) {
    *text = reader.Text();
  }
  reader.Get(&row.status, sizeof row.status);
  reader.Get(&timing.wall_s, sizeof timing.wall_s);
  reader.Get(&timing.cpu_s, sizeof timing.cpu_s);
}

}  // namespace nibble::study
