// mobula/not_on_ray.h: included by each header that a portable program must do without.
//   Errors     with MOBULA_PORTABLE defined it does not compile
#pragma once

#ifdef MOBULA_PORTABLE
#error "MOBULA_PORTABLE is defined, and this header of Mobula has no counterpart in Ray"
#endif
