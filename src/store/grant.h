// SPDX-License-Identifier: MIT
#pragma once

// grant: what somebody may do with a thing, as bits.
//
// The owner and an admin may do all of it. Of a server others may do what its owner grants them;
// a blueprint or an overlay that is shared can be viewed by all.

#define GRANT_VIEW    1u
#define GRANT_OPERATE 2u // start, stop, restart, reset; build
#define GRANT_CONSOLE 4u
#define GRANT_FILES   8u
#define GRANT_MANAGE  16u // settings, secrets, grants, deleting
#define GRANT_ALL     31u
