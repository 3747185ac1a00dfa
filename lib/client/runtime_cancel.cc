// The exported functions of mobula/runtime_tasks.h that end tasks.
#include "client/cancelled.h"
#include "client/current.h"
#include "client/session.h"

namespace mobula {

Status client::Session::cancel(const Reference &result, bool force) {
  if (Status status = own(result)) return status;
  const refs::ObjectName name = name_of(result);
  refs::References::share(*result.row_);
  outbox_->wake_raylet();  // the task may lie unread in a batch
  wire::CancelReply reply;
  if (Status status = ask(wire::CancelRequest{name.entry, name.generation, force}, &reply)) return status;
  if (reply.code == static_cast<std::uint32_t>(Code::kOk)) return nullptr;
  return base::failure(static_cast<Code>(reply.code), std::move(reply.message));
}

namespace runtime {

Status cancel(const Reference &result, bool force) {
  client::Session *const session = client::current_session();
  return session == nullptr ? client::not_initialized() : session->cancel(result, force);
}

bool is_cancelled() { return client::is_cancelled(); }

}  // namespace runtime
}  // namespace mobula
