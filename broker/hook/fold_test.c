/* SPDX-License-Identifier: Apache-2.0 */
/* The fold as a table, as an exhaustive comparison with its definition, at once and by tickets. */
#include "hook/fixture.h"

/* A module that answers what the test says. */
struct script {
	struct gh_instance *instance;
	enum gh_verdict verdict;
	bool later, covers;
	struct gh_ticket ticket;
	unsigned asked;
	int max_qos, max_size;
	bool no_retain;
	const char *principal, *group, *client_id, *shown, *class;
	uint32_t cause;
	int64_t expires;
};

static void fill(const struct script *script, struct gh_answer *out)
{
	if (script->max_qos >= 0)
		gh_answer_max_qos(out, script->max_qos);
	if (script->max_size >= 0)
		gh_answer_max_size(out, script->max_size);
	if (script->no_retain)
		gh_answer_no_retain(out);
	if (script->covers)
		gh_answer_covers(out);
	if (script->principal)
		gh_answer_principal(out, script->principal);
	if (script->group)
		gh_answer_group(out, script->group);
	if (script->client_id)
		gh_answer_client_id(out, script->client_id);
	if (script->shown)
		gh_answer_shown_user(out, script->shown);
	if (script->class)
		gh_answer_limits_class(out, script->class);
	if (script->cause)
		gh_answer_cause(out, script->cause);
	if (script->expires)
		gh_answer_expires(out, script->expires);
	gh_answer_why(out, "said %d", (int)script->verdict);
}

static enum gh_verdict answer(struct script *script, struct gh_answer *out)
{
	script->asked++;
	if (script->later) {
		script->ticket = gh_pend(out);
		return GH_PENDING;
	}
	fill(script, out);
	return script->verdict;
}

static enum gh_verdict authorize(void *self, const struct gh_authorize *in, struct gh_answer *out)
{
	ck_assert_uint_eq(in->size, sizeof(*in));
	return answer(self, out);
}

static enum gh_verdict authenticate(void *self, const struct gh_authenticate *in,
				    struct gh_answer *out)
{
	ck_assert_uint_eq(in->size, sizeof(*in));
	return answer(self, out);
}

static enum gh_verdict lookup(void *self, const struct gh_lookup *in, struct gh_answer *out)
{
	ck_assert_uint_eq(in->size, sizeof(*in));
	return answer(self, out);
}

static enum gh_verdict accept_hook(void *self, const struct gh_client *in, struct gh_answer *out)
{
	ck_assert_uint_eq(in->size, sizeof(*in));
	return answer(self, out);
}

static enum gh_verdict publish_hook(void *self, const struct gh_publish *in, struct gh_answer *out)
{
	ck_assert_uint_eq(in->size, sizeof(*in));
	return answer(self, out);
}

static struct gh_plugin plugin = { .flags = GH_CONCURRENT,
				   .name = "script",
				   .publish = publish_hook,
				   .accept = accept_hook,
				   .authenticate = authenticate,
				   .lookup = lookup,
				   .authorize = authorize };

struct scripts {
	struct fixture fixture;
	struct script at[3];
};

static void scripts_init(struct scripts *scripts)
{
	static const char *const names[] = { "a", "b", "c" };

	fixture_init(&scripts->fixture);
	for (unsigned i = 0; i < 3; i++) {
		scripts->at[i] = (struct script){ .max_qos = -1, .max_size = -1 };
		scripts->at[i].instance =
			fixture_add(&scripts->fixture, names[i], &plugin, &scripts->at[i]);
	}
}

/* The scripts that wait answer, one after the other, until all is decided. */
static void answer_all(struct scripts *scripts)
{
	uint64_t end = gh_clock_ms() + 20000;

	while (!scripts->fixture.done && gh_clock_ms() < end) {
		for (unsigned i = 0; i < 3; i++) {
			struct script *script = &scripts->at[i];
			struct gh_host *host = (struct gh_host *)(void *)script->instance;
			struct gh_answer *out;

			if (!script->ticket.id)
				continue;
			ck_assert(gh_ticket_open(host, script->ticket));
			out = gh_answer_begin(host, script->ticket);
			ck_assert_ptr_nonnull(out);
			fill(script, out);
			gh_answer_end(out, script->verdict);
			script->ticket.id = 0;
		}
		gh_loop_poll(scripts->fixture.loop);
	}
	ck_assert_uint_eq(scripts->fixture.done, 1);
}

static const struct gh_decision *ask_authorize(struct scripts *scripts, const struct gh_chain *chain,
					       const struct gh_authorize *in,
					       const struct gh_cover *covered)
{
	struct gh_asking asking = fixture_asking(&scripts->fixture, chain);
	struct gh_authorize mine = *in;
	struct gh_decision decision;

	scripts->fixture.done = 0;
	mine.client = gh_snapshot_client(scripts->fixture.client);
	if (gh_ask_authorize(&asking, &mine, covered, &decision))
		answer_all(scripts);
	else
		fixture_decided(&scripts->fixture, &decision);
	return &scripts->fixture.decision;
}

static const struct gh_decision *ask_login(struct scripts *scripts, const struct gh_chain *chain,
					   const char *username)
{
	struct gh_asking asking = fixture_asking(&scripts->fixture, chain);
	struct gh_authenticate in = { .client = gh_snapshot_client(scripts->fixture.client),
				      .username = username };
	struct gh_decision decision;

	scripts->fixture.done = 0;
	if (gh_ask_authenticate(&asking, &in, &decision))
		answer_all(scripts);
	else
		fixture_decided(&scripts->fixture, &decision);
	return &scripts->fixture.decision;
}

static const struct gh_authorize publish = { .action = GH_PUBLISH, .topic = { "t", 1 } };
static const struct gh_authorize subscribe = { .action = GH_SUBSCRIBE, .topic = { "t/#", 3 } };
static const struct gh_authorize receive = { .action = GH_RECEIVE, .topic = { "t/1", 3 } };

/* P A D E: verdicts of a, b, c; e: ERROR with on-error next; -: isn't to be asked. */
static const struct {
	const char *list, *verdicts;
	bool granted;
	const char *module; /* who decided */
} rows[] = {
	{ "a", "A", true, "a" },          { "a", "D", false, "a" },
	{ "a", "P", false, "" },          { "a", "E", false, "a" },
	{ "a", "e", false, "" },          { "!a", "A", true, "a" },
	{ "!a", "P", false, "a" },        { "!a", "D", false, "a" },
	{ "!a", "E", false, "a" },        { "!a", "e", false, "a" },
	{ "a b", "A-", true, "a" },       { "a b", "D-", false, "a" },
	{ "a b", "PA", true, "b" },       { "a b", "PD", false, "b" },
	{ "a b", "PP", false, "" },       { "a b", "E-", false, "a" },
	{ "a b", "eA", true, "b" },       { "a b", "eP", false, "" },
	{ "a b", "PE", false, "b" },      { "a b", "Pe", false, "" },
	{ "!a b", "AA", true, "b" },      { "!a b", "AP", false, "" },
	{ "!a b", "AD", false, "b" },     { "!a b", "P-", false, "a" },
	{ "!a b", "e-", false, "a" },     { "!a b", "Ae", false, "" },
	{ "a !b", "AA", true, "a" },      { "a !b", "AP", false, "b" },
	{ "a !b", "Ae", false, "b" },     { "a !b", "PA", false, "" },
	{ "a !b", "D-", false, "a" },     { "!a !b", "AA", true, "b" },
	{ "!a !b", "AP", false, "b" },    { "!a !b", "D-", false, "a" },
	{ "a b c", "PPA", true, "c" },    { "a b c", "PA-", true, "b" },
	{ "a b c", "PPP", false, "" },    { "a !b c", "AA-", true, "a" },
	{ "a !b c", "PAA", true, "c" },   { "a !b c", "PAP", false, "" },
	{ "a b !c", "A-A", true, "a" },   { "a b !c", "A-D", false, "c" },
	{ "a b !c", "PPA", false, "" },   { "!a b !c", "AAA", true, "b" },
	{ "!a b !c", "AAe", false, "c" },
};

static enum gh_verdict verdict_of(char c)
{
	return c == 'P' ? GH_PASS : c == 'A' ? GH_ALLOW : c == 'D' ? GH_DENY : GH_ERROR;
}

static void check_row(unsigned row, bool login, bool later)
{
	struct scripts scripts;
	struct gh_chain *chain;
	const struct gh_decision *decision;
	const char *verdicts = rows[row].verdicts;

	scripts_init(&scripts);
	for (unsigned i = 0; i < 3; i++) {
		char c = i < strlen(verdicts) ? verdicts[i] : '-';

		scripts.at[i].verdict = verdict_of(c);
		scripts.at[i].instance->on_error_next = c == 'e';
		scripts.at[i].later = later;
		scripts.at[i].principal = "joe";
	}
	chain = fixture_chain(&scripts.fixture, login ? GH_LIST_AUTHENTICATE : GH_LIST_AUTHORIZE,
			      false, rows[row].list);
	decision = login ? ask_login(&scripts, chain, "joe")
			 : ask_authorize(&scripts, chain, &publish, NULL);
	ck_assert_msg(decision->verdict == (rows[row].granted ? GH_ALLOW : GH_DENY),
		      "%s %s: verdict %d", rows[row].list, verdicts, decision->verdict);
	ck_assert_msg(strcmp(decision->module, rows[row].module) == 0, "%s %s: decided by '%s'",
		      rows[row].list, verdicts, decision->module);
	for (unsigned i = 0; i < strlen(verdicts); i++)
		ck_assert_msg(scripts.at[i].asked == (verdicts[i] != '-'), "%s %s: asked %u",
			      rows[row].list, verdicts, i);
	if (decision->verdict == GH_DENY && *decision->module) {
		char said = verdicts[*decision->module - 'a'];

		ck_assert_int_eq(strncmp(decision->why, "said ", 5), 0);
		ck_assert_msg(decision->failed == (said == 'E' || said == 'e'), "%s %s: failed %d",
			      rows[row].list, verdicts, decision->failed);
	}
	gh_chain_free(&chain);
	fixture_done(&scripts.fixture);
}

START_TEST(table)
{
	for (unsigned i = 0; i < GH_COUNT(rows); i++)
		for (unsigned mode = 0; mode < 4; mode++)
			check_row(i, mode & 1, mode & 2);
}
END_TEST

/* The definition, without any order of asking. */
static bool defined(const bool required[3], const bool next[3], const enum gh_verdict verdict[3])
{
	bool optional = false, granted = false, decided = false;

	for (unsigned i = 0; i < 3; i++) {
		if (required[i]) {
			if (verdict[i] != GH_ALLOW)
				return false;
			continue;
		}
		optional = true;
		if (decided || verdict[i] == GH_PASS || (verdict[i] == GH_ERROR && next[i]))
			continue;
		decided = true;
		granted = verdict[i] == GH_ALLOW;
	}
	return !optional || granted;
}

/* All of three modules: required or not, on-error, verdict. */
#define SETS (16 * 16 * 16)

struct combination {
	bool required[3], next[3];
	enum gh_verdict verdict[3];
	char list[16];
};

static struct combination set_up(struct scripts *scripts, unsigned set, bool later)
{
	struct combination is = { 0 };

	for (unsigned i = 0; i < 3; i++) {
		struct script *script = &scripts->at[i];
		unsigned bits = set >> (4 * i) & 15;

		is.required[i] = bits & 1;
		is.next[i] = bits & 2;
		is.verdict[i] = (enum gh_verdict)(GH_PASS + (bits >> 2));
		script->verdict = is.verdict[i];
		script->instance->on_error_next = is.next[i];
		script->later = later;
		script->principal = "joe";
		strcat(is.list, is.required[i] ? " !" : " ");
		strcat(is.list, script->instance->name);
	}
	return is;
}

static void check_all(bool login, bool later)
{
	enum gh_list_kind kind = login ? GH_LIST_AUTHENTICATE : GH_LIST_AUTHORIZE;
	struct scripts scripts;

	scripts_init(&scripts);
	for (unsigned set = 0; set < SETS; set++) {
		struct combination is = set_up(&scripts, set, later);
		struct gh_chain *chain = fixture_chain(&scripts.fixture, kind, false, is.list);
		const struct gh_decision *decision =
			login ? ask_login(&scripts, chain, "joe")
			      : ask_authorize(&scripts, chain, &publish, NULL);
		bool granted = defined(is.required, is.next, is.verdict);

		ck_assert_msg(decision->verdict == (granted ? GH_ALLOW : GH_DENY),
			      "set %x of%s: verdict %d", set, is.list, decision->verdict);
		ck_assert_msg(!login || granted == (decision->identity != NULL),
			      "set %x of%s: identity", set, is.list);
		gh_chain_free(&chain);
	}
	fixture_done(&scripts.fixture);
}

START_TEST(exhaustive)
{
	check_all(false, false);
	check_all(false, true);
	check_all(true, false);
	check_all(true, true);
}
END_TEST

/* Of a veto: nobody says no, and an ERROR is one unless it may be passed over. */
static bool unopposed(const struct combination *is)
{
	for (unsigned i = 0; i < 3; i++)
		if (is->verdict[i] == GH_DENY ||
		    (is->verdict[i] == GH_ERROR && (is->required[i] || !is->next[i])))
			return false;
	return true;
}

/* What is no verdict, and what may not stand where it does, denies like ERROR. */
START_TEST(no_verdict)
{
	static const int bad[] = { 0, -1, 7, 1000, GH_PENDING, GH_CONTINUE };

	for (unsigned i = 0; i < GH_COUNT(bad); i++) {
		struct scripts scripts;
		struct gh_chain *chain;

		scripts_init(&scripts);
		scripts.at[0].verdict = (enum gh_verdict)bad[i];
		scripts.at[1].verdict = GH_ALLOW;
		chain = fixture_chain(&scripts.fixture, GH_LIST_AUTHORIZE, false, "a b");
		ck_assert_int_eq(ask_authorize(&scripts, chain, &publish, NULL)->verdict, GH_DENY);
		ck_assert(scripts.fixture.decision.failed);
		/* likewise by a ticket */
		scripts.at[0].later = true;
		ck_assert_int_eq(ask_authorize(&scripts, chain, &publish, NULL)->verdict, GH_DENY);
		ck_assert(scripts.fixture.decision.failed);
		gh_chain_free(&chain);
		/* and of a login */
		scripts.at[0].later = false;
		scripts.at[1].principal = "joe";
		chain = fixture_chain(&scripts.fixture, GH_LIST_AUTHENTICATE, false, "a b");
		ck_assert_int_eq(ask_login(&scripts, chain, "joe")->verdict, GH_DENY);
		ck_assert(scripts.fixture.decision.failed);
		gh_chain_free(&chain);
		fixture_done(&scripts.fixture);
	}
}
END_TEST

START_TEST(open_lists)
{
	struct scripts scripts;
	struct gh_chain *anyone, *anonymous, *with;
	struct gh_authorize dollar = publish;
	const struct gh_decision *decision;

	scripts_init(&scripts);
	anyone = fixture_chain(&scripts.fixture, GH_LIST_AUTHORIZE, true, "");
	ck_assert_int_eq(ask_authorize(&scripts, anyone, &publish, NULL)->verdict, GH_ALLOW);
	ck_assert_str_eq(scripts.fixture.decision.module, "anyone");
	ck_assert(ask_authorize(&scripts, anyone, &subscribe, NULL)->cover.whole);
	dollar.topic = (struct gh_str){ "$SYS/x", 6 };
	ck_assert_int_eq(ask_authorize(&scripts, anyone, &dollar, NULL)->verdict, GH_DENY);

	anonymous = fixture_chain(&scripts.fixture, GH_LIST_AUTHENTICATE, true, "");
	decision = ask_login(&scripts, anonymous, "whoever");
	ck_assert_int_eq(decision->verdict, GH_ALLOW);
	ck_assert_ptr_eq(decision->identity, gh_identity_anonymous());

	with = fixture_chain(&scripts.fixture, GH_LIST_AUTHENTICATE, true, "a");
	scripts.at[0].verdict = GH_PASS;
	ck_assert_int_eq(ask_login(&scripts, with, NULL)->verdict, GH_ALLOW);
	ck_assert_uint_eq(scripts.at[0].asked, 0);
	/* credentials that are given must pass */
	ck_assert_int_eq(ask_login(&scripts, with, "joe")->verdict, GH_DENY);
	ck_assert_uint_eq(scripts.at[0].asked, 1);
	gh_chain_free(&with);
	gh_chain_free(&anonymous);
	gh_chain_free(&anyone);
	fixture_done(&scripts.fixture);
}
END_TEST

START_TEST(limits)
{
	struct scripts scripts;
	struct gh_chain *chain;
	struct gh_authorize in = publish;
	const struct gh_decision *decision;

	scripts_init(&scripts);
	chain = fixture_chain(&scripts.fixture, GH_LIST_AUTHORIZE, false, "a !b");
	scripts.at[0].verdict = scripts.at[1].verdict = GH_ALLOW;
	scripts.at[0].max_qos = 1;
	scripts.at[0].max_size = 100;
	scripts.at[1].max_size = 50;
	scripts.at[1].no_retain = true;
	decision = ask_authorize(&scripts, chain, &subscribe, NULL);
	ck_assert_int_eq(decision->verdict, GH_ALLOW);
	ck_assert_uint_eq(decision->max_qos, 1);
	ck_assert_uint_eq(decision->max_size, 50);
	ck_assert(decision->no_retain);
	in.payload_size = 50;
	in.qos = 1;
	ck_assert_int_eq(ask_authorize(&scripts, chain, &in, NULL)->verdict, GH_ALLOW);
	in.payload_size = 51;
	ck_assert_int_eq(ask_authorize(&scripts, chain, &in, NULL)->verdict, GH_DENY);
	in.payload_size = 0;
	in.qos = 2;
	ck_assert_int_eq(ask_authorize(&scripts, chain, &in, NULL)->verdict, GH_DENY);
	in.qos = 0;
	in.retain = true;
	ck_assert_int_eq(ask_authorize(&scripts, chain, &in, NULL)->verdict, GH_DENY);
	gh_chain_free(&chain);
	fixture_done(&scripts.fixture);
}
END_TEST

/* One module's covers never silences another's DENY. */
START_TEST(covers)
{
	struct scripts scripts;
	struct gh_chain *chain;
	struct gh_cover cover;

	scripts_init(&scripts);
	chain = fixture_chain(&scripts.fixture, GH_LIST_AUTHORIZE, false, "a b");
	scripts.at[0].verdict = GH_PASS;
	scripts.at[0].covers = true;
	scripts.at[1].verdict = GH_ALLOW;
	cover = ask_authorize(&scripts, chain, &subscribe, NULL)->cover;
	ck_assert(!cover.whole);
	ck_assert_uint_eq(cover.pass, 1);
	scripts.at[0].asked = scripts.at[1].asked = 0;
	scripts.at[1].verdict = GH_DENY;
	ck_assert_int_eq(ask_authorize(&scripts, chain, &receive, &cover)->verdict, GH_DENY);
	ck_assert_uint_eq(scripts.at[0].asked, 0);
	ck_assert_uint_eq(scripts.at[1].asked, 1);

	scripts.at[1].verdict = GH_ALLOW;
	scripts.at[1].covers = true;
	cover = ask_authorize(&scripts, chain, &subscribe, NULL)->cover;
	ck_assert(cover.whole);
	scripts.at[1].asked = 0;
	ck_assert_int_eq(ask_authorize(&scripts, chain, &receive, &cover)->verdict, GH_ALLOW);
	ck_assert_uint_eq(scripts.at[1].asked, 0);
	gh_chain_free(&chain);
	fixture_done(&scripts.fixture);
}
END_TEST

/* RECEIVE is decided at once. */
START_TEST(receive_pending)
{
	struct scripts scripts;
	struct gh_chain *chain;

	scripts_init(&scripts);
	chain = fixture_chain(&scripts.fixture, GH_LIST_AUTHORIZE, false, "a");
	scripts.at[0].verdict = GH_ALLOW;
	scripts.at[0].later = true;
	ck_assert_int_eq(ask_authorize(&scripts, chain, &receive, NULL)->verdict, GH_DENY);
	ck_assert(scripts.fixture.decision.failed);
	ck_assert_uint_eq(scripts.at[0].ticket.id, 0);
	gh_chain_free(&chain);
	fixture_done(&scripts.fixture);
}
END_TEST

START_TEST(login_merge)
{
	struct scripts scripts;
	struct gh_chain *chain;
	const struct gh_identity *view;

	scripts_init(&scripts);
	chain = fixture_chain(&scripts.fixture, GH_LIST_AUTHENTICATE, false, "!a b");
	scripts.at[0].verdict = scripts.at[1].verdict = GH_ALLOW;
	scripts.at[0].principal = "joe";
	scripts.at[0].group = "staff";
	scripts.at[0].expires = 2000;
	scripts.at[1].group = "vpn";
	scripts.at[1].expires = 1000;
	scripts.at[1].client_id = "c9";
	scripts.at[1].shown = "";
	ck_assert_int_eq(ask_login(&scripts, chain, "token")->verdict, GH_ALLOW);
	view = gh_identity_view(scripts.fixture.decision.identity);
	ck_assert_str_eq(view->principal, "joe");
	ck_assert_str_eq(view->realm, "a");
	ck_assert_uint_eq(view->group_count, 2);
	ck_assert_int_eq(view->expires, 1000);
	ck_assert_str_eq(scripts.fixture.decision.client_id, "c9");
	ck_assert_str_eq(scripts.fixture.shown, ".");

	/* with any verdict */
	scripts.at[0].shown = "somebody";
	for (enum gh_verdict verdict = GH_PASS; verdict <= GH_ERROR; verdict++) {
		scripts.at[0].verdict = verdict;
		scripts.fixture.shown[0] = 0;
		ask_login(&scripts, chain, "token");
		ck_assert_str_eq(scripts.fixture.shown, "somebody.");
	}
	scripts.at[0].verdict = GH_ALLOW;

	/* the same name again is the same person; another one denies */
	scripts.at[1].principal = "joe";
	ck_assert_int_eq(ask_login(&scripts, chain, "joe")->verdict, GH_ALLOW);
	scripts.at[1].principal = "bob";
	ck_assert_int_eq(ask_login(&scripts, chain, "joe")->verdict, GH_DENY);
	ck_assert_str_eq(scripts.fixture.decision.module, "b");
	ck_assert_ptr_nonnull(strstr(scripts.fixture.decision.why, "'bob'"));
	ck_assert_ptr_null(scripts.fixture.decision.identity);
	/* nobody named */
	scripts.at[0].principal = NULL;
	ck_assert_int_eq(ask_login(&scripts, chain, "joe")->verdict, GH_DENY);
	ck_assert(scripts.fixture.decision.failed);
	gh_chain_free(&chain);
	fixture_done(&scripts.fixture);
}
END_TEST

static const struct gh_class_settings classes[] = { { .name = "slow" }, { .name = "slower" } };
static const struct gh_listener_settings with_classes = { .name = "mqtt",
							  .classes = classes,
							  .class_count = GH_COUNT(classes) };

static void classes_init(struct scripts *scripts)
{
	scripts_init(scripts);
	scripts->fixture.settings.listeners = &with_classes;
	scripts->fixture.settings.listener_count = 1;
	scripts->at[0].principal = "joe";
	scripts->at[0].verdict = scripts->at[1].verdict = GH_ALLOW;
}

static const char *class_of(const struct gh_decision *decision)
{
	return gh_identity_view(decision->identity)->limits_class;
}

/* The first holds, and only beside ALLOW; one that isn't there is no ALLOW. */
START_TEST(limits_class)
{
	static const struct {
		const char *a, *b, *class, *why;
		enum gh_verdict first;
		bool later;
	} all[] = {
		{ .class = NULL },
		{ .a = "slow", .class = "slow" },
		{ .b = "slow", .class = "slow", .later = true },
		{ .a = "slow", .b = "slower", .class = "slow" },
		{ .a = "fast", .why = "there is no limits class 'fast'" },
		{ .a = "fast", .why = "there is no limits class 'fast'", .later = true },
		{ .a = "slow", .b = "fast", .why = "there is no limits class 'fast'" },
		{ .a = "", .why = "the limits class has no name, or isn't UTF-8" },
	};

	for (unsigned i = 0; i < GH_COUNT(all); i++) {
		struct scripts scripts;
		struct gh_chain *chain;
		const struct gh_decision *decision;

		classes_init(&scripts);
		chain = fixture_chain(&scripts.fixture, GH_LIST_AUTHENTICATE, false, "!a b");
		scripts.at[0].class = all[i].a;
		scripts.at[1].class = all[i].b;
		scripts.at[0].later = scripts.at[1].later = all[i].later;
		decision = ask_login(&scripts, chain, "joe");
		ck_assert_int_eq(decision->verdict, all[i].why ? GH_DENY : GH_ALLOW);
		ck_assert(decision->failed == (all[i].why != NULL));
		ck_assert_str_eq(all[i].why ? decision->why : "", all[i].why ? all[i].why : "");
		ck_assert_pstr_eq(all[i].why ? NULL : class_of(decision), all[i].class);
		gh_chain_free(&chain);
		fixture_done(&scripts.fixture);
	}
}
END_TEST

START_TEST(limits_class_of_others)
{
	struct scripts scripts;
	struct gh_chain *chain, *open;

	classes_init(&scripts);
	chain = fixture_chain(&scripts.fixture, GH_LIST_AUTHENTICATE, false, "a b");
	open = fixture_chain(&scripts.fixture, GH_LIST_AUTHENTICATE, true, "!a");
	scripts.at[0].verdict = GH_PASS;
	scripts.at[0].class = "fast";
	scripts.at[1].principal = "joe";
	ck_assert_int_eq(ask_login(&scripts, chain, "joe")->verdict, GH_ALLOW);
	ck_assert_ptr_null(class_of(&scripts.fixture.decision));
	/* `on-error: next` may go on, with the one behind it */
	scripts.at[0].verdict = GH_ALLOW;
	scripts.at[0].instance->on_error_next = true;
	scripts.at[1].class = "slow";
	ck_assert_int_eq(ask_login(&scripts, chain, "joe")->verdict, GH_ALLOW);
	ck_assert_str_eq(class_of(&scripts.fixture.decision), "slow");
	scripts.at[0].class = "slow";
	/* nobody can have a class: dropping it might be meant to bound */
	scripts.at[0].principal = NULL;
	ck_assert_int_eq(ask_login(&scripts, open, NULL)->verdict, GH_DENY);
	scripts.at[0].class = NULL;
	ck_assert_int_eq(ask_login(&scripts, open, NULL)->verdict, GH_ALLOW);
	gh_chain_free(&open);
	gh_chain_free(&chain);
	fixture_done(&scripts.fixture);
}
END_TEST

START_TEST(cause_of_all_pass)
{
	struct scripts scripts;
	struct gh_chain *chain;

	scripts_init(&scripts);
	chain = fixture_chain(&scripts.fixture, GH_LIST_AUTHENTICATE, false, "a b c");
	for (unsigned i = 0; i < 3; i++)
		scripts.at[i].verdict = GH_PASS;
	scripts.at[1].cause = GH_CAUSE_UNKNOWN_USER;
	scripts.at[2].cause = GH_CAUSE_EXPIRED;
	ck_assert_int_eq(ask_login(&scripts, chain, "joe")->verdict, GH_DENY);
	ck_assert_uint_eq(scripts.fixture.decision.cause, GH_CAUSE_UNKNOWN_USER);
	gh_chain_free(&chain);
	fixture_done(&scripts.fixture);
}
END_TEST

START_TEST(veto)
{
	struct scripts scripts;
	struct gh_chain *chain;
	struct gh_decision decision;
	static const struct {
		char verdicts[4];
		bool allowed;
	} cases[] = { { "PPP", true }, { "AAA", true },  { "PDP", false }, { "PPE", false },
		      { "ePP", true }, { "PAD", false }, { "eeD", false } };

	scripts_init(&scripts);
	chain = fixture_chain(&scripts.fixture, GH_LIST_AUTHENTICATE, false, "a b c");
	for (unsigned row = 0; row < GH_COUNT(cases); row++) {
		for (unsigned i = 0; i < 3; i++) {
			scripts.at[i].verdict = verdict_of(cases[row].verdicts[i]);
			scripts.at[i].instance->on_error_next = cases[row].verdicts[i] == 'e';
		}
		gh_ask_accept(chain, gh_snapshot_client(scripts.fixture.client), &decision);
		ck_assert_msg(decision.verdict == (cases[row].allowed ? GH_ALLOW : GH_DENY), "%s",
			      cases[row].verdicts);
	}
	gh_chain_free(&chain);
	fixture_done(&scripts.fixture);
}
END_TEST

static enum gh_verdict ask_accept(struct scripts *scripts, const char *list)
{
	struct gh_chain *chain = fixture_chain(&scripts->fixture, GH_LIST_AUTHENTICATE, false, list);
	struct gh_decision decision;

	gh_ask_accept(chain, gh_snapshot_client(scripts->fixture.client), &decision);
	gh_chain_free(&chain);
	return decision.verdict;
}

static enum gh_verdict ask_publish(struct scripts *scripts, const char *list)
{
	struct gh_chain *chain = fixture_chain(&scripts->fixture, GH_LIST_MESSAGE, false, list);
	struct gh_asking asking = fixture_asking(&scripts->fixture, chain);
	const struct gh_message message = { .size = sizeof(message), .topic = { "t", 1 } };
	struct gh_publish in = { .client = gh_snapshot_client(scripts->fixture.client),
				 .message = &message };
	struct gh_decision decision;

	scripts->fixture.done = 0;
	if (gh_ask_publish(&asking, &in, &decision))
		answer_all(scripts);
	else
		fixture_decided(&scripts->fixture, &decision);
	gh_chain_free(&chain);
	return scripts->fixture.decision.verdict;
}

START_TEST(exhaustive_veto)
{
	struct scripts scripts;

	scripts_init(&scripts);
	for (unsigned set = 0; set < 2 * SETS; set++) {
		struct combination is = set_up(&scripts, set % SETS, set >= SETS);
		enum gh_verdict wanted = unopposed(&is) ? GH_ALLOW : GH_DENY;

		ck_assert_msg(ask_publish(&scripts, is.list) == wanted, "set %x of%s: publish", set,
			      is.list);
		/* it can't wait: who wants to has refused, and isn't asked for an answer */
		ck_assert_msg(set >= SETS || ask_accept(&scripts, is.list) == wanted,
			      "set %x of%s: accept", set, is.list);
	}
	fixture_done(&scripts.fixture);
}
END_TEST

/* ---- lookup ---- */

static const struct gh_decision *ask_lookup(struct scripts *scripts, const struct gh_chain *chain,
					    struct gh_snapshot *client, uint32_t flags)
{
	struct gh_asking asking = fixture_asking(&scripts->fixture, chain);
	struct gh_lookup in = { .client = gh_snapshot_client(client),
				.principal = "joe",
				.flags = flags };
	struct gh_decision decision;

	scripts->fixture.done = 0;
	if (gh_ask_lookup(&asking, &in, &decision))
		answer_all(scripts);
	else
		fixture_decided(&scripts->fixture, &decision);
	return &scripts->fixture.decision;
}

static struct gh_snapshot *logged_in(struct scripts *scripts, const struct gh_chain *chain)
{
	ck_assert_int_eq(ask_login(scripts, chain, "joe")->verdict, GH_ALLOW);
	return gh_snapshot_with_identity(scripts->fixture.client,
					 scripts->fixture.decision.identity, NULL);
}

START_TEST(recheck)
{
	struct scripts scripts;
	struct gh_chain *chain, *without;
	struct gh_snapshot *client;
	const struct gh_decision *decision;

	scripts_init(&scripts);
	chain = fixture_chain(&scripts.fixture, GH_LIST_AUTHENTICATE, false, "!a b c");
	without = fixture_chain(&scripts.fixture, GH_LIST_AUTHENTICATE, false, "b c");
	scripts.at[0].verdict = scripts.at[1].verdict = GH_ALLOW;
	scripts.at[0].principal = "joe";
	scripts.at[1].group = "old";
	client = logged_in(&scripts, chain);
	scripts.at[0].principal = NULL;

	/* nothing new: the very same identity; who didn't allow isn't asked */
	scripts.at[0].verdict = scripts.at[1].verdict = GH_PASS;
	decision = ask_lookup(&scripts, chain, client, GH_RECHECK);
	ck_assert_int_eq(decision->verdict, GH_ALLOW);
	ck_assert_ptr_eq(decision->identity, gh_snapshot_identity(client));
	ck_assert_uint_eq(scripts.at[2].asked, 0);
	/* ALLOW replaces what this one gave */
	scripts.at[1].verdict = GH_ALLOW;
	scripts.at[1].group = "new";
	decision = ask_lookup(&scripts, chain, client, GH_RECHECK);
	ck_assert_int_eq(decision->verdict, GH_ALLOW);
	ck_assert_uint_eq(gh_identity_view(decision->identity)->group_count, 1);
	ck_assert_str_eq(gh_identity_view(decision->identity)->groups[0], "new");
	/* ERROR leaves it, and says so */
	scripts.at[0].verdict = GH_ERROR;
	decision = ask_lookup(&scripts, chain, client, GH_RECHECK);
	ck_assert_int_eq(decision->verdict, GH_ALLOW);
	ck_assert(decision->failed);
	/* an ALLOW of the one that named may leave the name out, or keep it, but not change it */
	scripts.at[0].verdict = GH_ALLOW;
	ck_assert_int_eq(ask_lookup(&scripts, chain, client, GH_RECHECK)->verdict, GH_ALLOW);
	scripts.at[0].principal = "bob";
	ck_assert_int_eq(ask_lookup(&scripts, chain, client, GH_RECHECK)->verdict, GH_DENY);
	scripts.at[0].principal = "joe";
	/* DENY ends it, later too; so does the module's leaving of the list */
	scripts.at[1].verdict = GH_DENY;
	scripts.at[1].later = true;
	ck_assert_int_eq(ask_lookup(&scripts, chain, client, GH_RECHECK)->verdict, GH_DENY);
	scripts.at[1].verdict = GH_PASS;
	scripts.at[1].later = false;
	ck_assert_int_eq(ask_lookup(&scripts, without, client, GH_RECHECK)->verdict, GH_DENY);
	gh_snapshot_unref(&client);
	gh_chain_free(&without);
	gh_chain_free(&chain);
	fixture_done(&scripts.fixture);
}
END_TEST

/* Whose class was given by one who has nothing new to say keeps it, even if it is configured no more. */
START_TEST(recheck_limits_class)
{
	struct scripts scripts;
	struct gh_chain *chain;
	struct gh_snapshot *client;
	const struct gh_decision *decision;

	classes_init(&scripts);
	chain = fixture_chain(&scripts.fixture, GH_LIST_AUTHENTICATE, false, "!a b");
	scripts.at[0].class = "slow";
	client = logged_in(&scripts, chain);
	scripts.at[0].verdict = GH_PASS;
	scripts.at[1].group = "new";
	scripts.fixture.settings.listener_count = 0;
	decision = ask_lookup(&scripts, chain, client, GH_RECHECK);
	ck_assert_int_eq(decision->verdict, GH_ALLOW);
	ck_assert(!decision->failed);
	ck_assert_str_eq(class_of(decision), "slow");
	/* given again it is an error: what it gave before stays */
	scripts.at[0].verdict = GH_ALLOW;
	decision = ask_lookup(&scripts, chain, client, GH_RECHECK);
	ck_assert_int_eq(decision->verdict, GH_ALLOW);
	ck_assert(decision->failed);
	ck_assert_str_eq(class_of(decision), "slow");
	/* another one, or none */
	scripts.fixture.settings.listener_count = 1;
	scripts.at[0].class = "slower";
	ck_assert_str_eq(class_of(ask_lookup(&scripts, chain, client, GH_RECHECK)), "slower");
	scripts.at[0].class = NULL;
	ck_assert_ptr_null(class_of(ask_lookup(&scripts, chain, client, GH_RECHECK)));
	gh_snapshot_unref(&client);
	gh_chain_free(&chain);
	fixture_done(&scripts.fixture);
}
END_TEST

START_TEST(recheck_anonymous)
{
	struct scripts scripts;
	struct gh_chain *open, *closed;
	struct gh_snapshot *client;

	scripts_init(&scripts);
	open = fixture_chain(&scripts.fixture, GH_LIST_AUTHENTICATE, true, "a");
	closed = fixture_chain(&scripts.fixture, GH_LIST_AUTHENTICATE, false, "a");
	client = gh_snapshot_with_identity(scripts.fixture.client, gh_identity_anonymous(), NULL);
	ck_assert_int_eq(ask_lookup(&scripts, open, client, GH_RECHECK)->verdict, GH_ALLOW);
	ck_assert_int_eq(ask_lookup(&scripts, closed, client, GH_RECHECK)->verdict, GH_DENY);
	gh_snapshot_unref(&client);
	gh_chain_free(&closed);
	gh_chain_free(&open);
	fixture_done(&scripts.fixture);
}
END_TEST

START_TEST(hypothetical)
{
	struct scripts scripts;
	struct gh_chain *chain;
	const struct gh_decision *decision;

	scripts_init(&scripts);
	chain = fixture_chain(&scripts.fixture, GH_LIST_AUTHENTICATE, false, "a b");
	scripts.at[0].verdict = GH_PASS;
	scripts.at[1].verdict = GH_ALLOW;
	scripts.at[1].principal = "joe";
	decision = ask_lookup(&scripts, chain, scripts.fixture.client, GH_HYPOTHETICAL | GH_EXPLAIN);
	ck_assert_int_eq(decision->verdict, GH_ALLOW);
	ck_assert_str_eq(gh_identity_view(decision->identity)->principal, "joe");
	gh_chain_free(&chain);
	fixture_done(&scripts.fixture);
}
END_TEST

GH_TEST_MAIN("hook/fold", table, exhaustive, no_verdict, open_lists, limits, covers,
	     receive_pending, login_merge, limits_class, limits_class_of_others, cause_of_all_pass,
	     veto, exhaustive_veto, recheck, recheck_limits_class, recheck_anonymous, hypothetical)
