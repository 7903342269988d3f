import { identify, serve } from './server.ts';

/** Who is registered: `GET /users/NAME`. */
const USERS: Readonly<Record<string, string>> = { ada: 'Ada Lovelace', grace: 'Grace Hopper', alan: 'Alan Turing' };

serve(identify('register'), 8080, ({ url = '' }) => {
  const name = /^\/users\/([a-z]+)$/.exec(url)?.[1] ?? '';
  const user = Object.hasOwn(USERS, name) ? USERS[name] : undefined;
  return user === undefined ? { status: 404, body: { error: 'no such user' } } : { status: 200, body: { user } };
});
