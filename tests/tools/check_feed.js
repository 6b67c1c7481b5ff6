// Walks a feed on this machine with both validators of OpenActive and prints what they found as JSON:
// node check_feed.js URL
const { RpdeValidator } = require('@openactive/rpde-validator');
const { validate } = require('@openactive/data-model-validator');

const [feed] = process.argv.slice(2);

async function everyItem(url) {
  const found = [];
  for (let next = url; ;) {
    const page = await (await fetch(next)).json();
    if (page.items.length === 0) return found;
    found.push(...page.items);
    next = page.next;
  }
}

(async () => {
  const log = await RpdeValidator(feed, { requestDelayMs: 0, pageLimit: 20 });
  const paging = log.pages.flatMap((page) => page.errors);
  const items = await everyItem(feed);
  const data = [];
  // Ten of the first, for each takes a second: with three steps all kinds and all sorts of place come by. Remote documents are read: our own context, whose definitions make our own fields valid ones.
  for (const item of items.filter((one, place) => one.state === 'updated' && place < 28 && place % 3 === 0)) {
    const found = await validate(item.data, { loadRemoteJson: true, validationMode: 'RPDEFeed' });
    data.push(...found.map((one) => ({ id: item.id, severity: one.severity, type: one.type, path: one.path })));
  }
  const states = items.map((item) => item.state);
  process.stdout.write(JSON.stringify({
    paging: paging.map((one) => ({ severity: one.severity, type: one.type, message: one.message })),
    data,
    pages: log.pages.length,
    updated: states.filter((state) => state === 'updated').length,
    deleted: states.filter((state) => state === 'deleted').length,
  }));
})().catch((error) => { process.stderr.write(String(error.stack)); process.exit(1); });
