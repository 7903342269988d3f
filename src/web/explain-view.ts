import { askExplain, Refusal } from './agent.ts';
import { byId, setAttributes, setText } from './dom.ts';
import { questionQuery } from './question.ts';

/** Asks what `shunt explain` asks. Returns how to ask for an address. */
export const createExplain = (): ((address: string) => void) => {
  const address = byId('explain-address', HTMLInputElement);
  const client = byId('explain-client', HTMLInputElement);
  byId('explain-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    void answer(address.value, client.value);
  });
  return (text) => {
    address.value = text;
    void answer(text, client.value).then(() => byId('explain-answer', HTMLElement).focus());
  };
};

let asked = 0;

/** What comes after a later question is dropped. */
const answer = async (address: string, client: string): Promise<void> => {
  const own = ++asked;
  const query = questionQuery(address, client);
  if (query === undefined) {
    show([], 'none', 'Give an address and a port, such as 10.96.0.10:80, 10.96.0.53:53/udp or [fd00:10:96::a]:80.');
    return;
  }
  try {
    const { lines, outcome } = await askExplain(query);
    if (own === asked) show(lines, outcome, '');
  } catch (error) {
    if (own === asked) show([], 'none', error instanceof Refusal ? error.message : 'The agent does not answer.');
  }
};

const show = (lines: readonly string[], outcome: string, trouble: string): void => {
  const answerBox = byId('explain-answer', HTMLElement);
  const troubleBox = byId('explain-trouble', HTMLElement);
  setText(byId('explain-lines', HTMLElement), lines.join('\n'));
  setAttributes(answerBox, { 'data-outcome': outcome });
  answerBox.hidden = lines.length === 0;
  setText(troubleBox, trouble);
  troubleBox.hidden = trouble === '';
};
