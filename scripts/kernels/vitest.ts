/** What tests use of vitest, of its own parts: in a guest vitest itself takes minutes to start. */
import {
	ChaiStyleAssertions,
	chai,
	JestAsymmetricMatchers,
	JestChaiExpect,
	JestExtend,
} from '@vitest/expect';

export { afterAll, afterEach, beforeAll, beforeEach, describe, onTestFinished, test } from '@vitest/runner';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(ChaiStyleAssertions);
chai.use(JestAsymmetricMatchers);

export const expect: typeof chai.expect = chai.expect;
