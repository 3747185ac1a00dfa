// The tasks of the kill mix as a library, so that one template of the session serves all its drivers.
#include "mix_tasks.h"
