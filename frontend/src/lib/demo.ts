/** The demo's owner, as `vaultra demo` makes them: whose businesses hold made-up or historical data. */
const DEMO_EMAIL = 'demo@vaultra.example';

export function isDemo(user: { email: string }): boolean {
  return user.email === DEMO_EMAIL;
}
