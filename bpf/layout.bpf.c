/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Never loaded: its type information tells TypeScript the numbers and the shapes that both sides share.
 * `npm run bpf` writes them to src/datapath/layout.ts.
 */
#include "decapsulation.h"
#include "device.h"
#include "drop.h"
#include "decapsulation.h"
#include "device.h"
#include "inner.h"
#include "outcome.h"
#include "sighting.h"
#include "tunnels.h"

enum outcome outcome;
enum place place;
enum fib_result fib_result;
enum encapsulation encapsulation;
enum tunnel_flag tunnel_flag;
enum tracepoint tracepoint;
enum drop_interest drop_interest;
enum drop_count drop_count;
struct outcome_count outcome_count;
struct sighting sighting;
struct tunnel tunnel;
enum tunnel_state tunnel_state;
enum prefix_number prefix_number;
struct tunnel_entry tunnel_entry;
struct prefix prefix;
struct drop_key drop_key;
struct drop_event drop_event;
struct drop_bucket drop_bucket;
struct drop_prefix drop_prefix;
enum device_flag device_flag;
struct device device;
struct endpoint_key endpoint_key;
struct decapsulation_key decapsulation_key;
